#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cloakroom {

/// One element of `arguments` in COMMAND DOCS, which redis-cli makes its hints from.
struct DocArgument {
  std::string name;
  std::string type;   // string, integer, double, key, pattern, unix-time, pure-token, oneof, block
  std::string token;  // the word that announces it, empty when there is none
  int key_spec = -1;  // for keys: which of the command's key specifications
  bool optional = false;
  bool multiple = false;
  bool multiple_token = false;         // repeated together with its token
  std::vector<DocArgument> arguments;  // of oneof and block

  friend bool operator==(const DocArgument&, const DocArgument&) = default;
};

/// Reads the notation of a row's `syntax`:
///
///   key value             arguments in order; types follow from the names
///   EX seconds            a word in capitals is a token: alone a flag, else it announces what
///                         follows (inside brackets all up to the next token, outside one word)
///   [a | b]               optional, one of; <a | b> one of, not optional
///   [a ...]               optional, any number; what repeats the words before it
///                         (field value [field value ...]) makes those `multiple`
///   FIELDS n f v ...      a count and what is counted
///
/// Whatever `syntax` is, the result is some tree: unbalanced brackets end where the text ends.
[[nodiscard]] std::vector<DocArgument> ParseDocSyntax(std::string_view syntax);

}  // namespace cloakroom
