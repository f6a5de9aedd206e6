#include "redis_compat/modules/docs_syntax.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace cloakroom {
namespace {

using Arguments = std::vector<DocArgument>;

constexpr std::string_view kRepeat = "...";
constexpr int kDepthMax = 32;

bool IsOneOf(std::string_view word, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

/// Tokens are written in capitals.
bool IsToken(std::string_view word) {
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  return std::none_of(word.begin(), word.end(), lower) &&
         std::any_of(word.begin(), word.end(), upper);
}

std::string TypeOf(std::string_view name) {
  if (name.starts_with("unix-time")) return "unix-time";
  if (IsOneOf(name, {"key", "newkey", "source", "destination"})) return "key";
  if (name == "pattern") return "pattern";
  if (name.starts_with("num") || name.ends_with("-slot") || name.ends_with("port") ||
      name.ends_with("-epoch"))
    return "integer";
  if (IsOneOf(
          name,
          {"maxage",    "seconds",  "milliseconds", "count",     "numkeys",   "numfields",
           "n",         "s",        "ms",           "offset",    "increment", "decrement",
           "index",     "index1",   "index2",       "db",        "cursor",    "ttl",
           "frequency", "protover", "timeout",      "client-id", "slot",      "version",
           "limit",     "start",    "end",          "max",       "grace",     "destination-db"}))
    return "integer";
  return "string";
}

DocArgument Leaf(std::string_view word) {
  DocArgument argument;
  if (IsToken(word)) {
    argument.type = "pure-token";
    argument.token = word;
    for (const char c : word)
      argument.name += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  } else {
    argument.name = word;
    argument.type = TypeOf(word);
  }
  return argument;
}

bool IsPureToken(const DocArgument& argument) { return argument.type == "pure-token"; }

/// A group of arguments under a name made of theirs.
DocArgument Group(std::string_view type, Arguments arguments) {
  DocArgument group;
  group.type = type;
  for (const DocArgument& argument : arguments) {
    if (!group.name.empty()) group.name += '_';
    group.name += argument.name;
  }
  group.arguments = std::move(arguments);
  return group;
}

/// Several as a block, one as itself.
DocArgument Blocked(Arguments arguments) {
  if (arguments.size() == 1) return std::move(arguments[0]);
  return Group("block", std::move(arguments));
}

/// What a token announces, as one argument that carries it. `n f v ...` is a count and a repeated
/// block of the rest.
DocArgument Announced(const DocArgument& token, Arguments values) {
  if (values.size() > 2 && values[0].type == "integer" && values.back().multiple) {
    values.back().multiple = false;
    DocArgument counted = Blocked({std::next(values.begin()), values.end()});
    counted.multiple = true;
    values = {values[0], std::move(counted)};
  }
  DocArgument argument = Blocked(std::move(values));
  argument.token = token.token;
  return argument;
}

/// Binds tokens to what follows them, each to at most `words_max` arguments.
Arguments BindTokens(Arguments flat, size_t words_max) {
  Arguments bound;
  for (size_t i = 0; i < flat.size(); ++i) {
    size_t end = i + 1;
    // An optional part is never what a token announces; it stands on its own.
    while (IsPureToken(flat[i]) && end < flat.size() && end - i <= words_max &&
           flat[end].token.empty() && !flat[end].optional)
      ++end;
    if (end == i + 1) {
      bound.push_back(std::move(flat[i]));
    } else {
      const auto first = flat.begin() + static_cast<std::ptrdiff_t>(i);
      bound.push_back(
          Announced(*first, {std::next(first), flat.begin() + static_cast<std::ptrdiff_t>(end)}));
      i = end - 1;
    }
  }
  return bound;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) { Advance(); }

  Arguments Top() {
    Arguments flat;
    while (!word_.empty()) {
      ParseInto(flat, 0);
      // A closing bracket too many, or alternatives outside brackets: go on behind it.
      if (!word_.empty()) Advance();
    }
    return BindTokens(std::move(flat), 1);
  }

 private:
  /// Cuts the next bracket, bar, `...` or word off the text into word_; empty at the end.
  void Advance() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size()));
    size_t size = std::min(rest_.find_first_of(" []<>|"), rest_.size());
    if (size == 0 && !rest_.empty()) size = 1;
    word_ = rest_.substr(0, size);
    rest_.remove_prefix(size);
  }

  /// Reads a sequence up to a bar, a closing bracket or the end.
  void ParseInto(Arguments& flat, int depth) {
    while (!word_.empty() && !IsOneOf(word_, {"|", "]", ">"})) {
      if (word_ == kRepeat) {
        if (!flat.empty()) flat.back().multiple = true;
        Advance();
      } else if ((word_ == "[" || word_ == "<") && depth < kDepthMax) {
        const bool optional = word_ == "[";
        Advance();
        AddGroup(flat, optional, depth + 1);
      } else {
        flat.push_back(Leaf(word_));
        Advance();
      }
    }
  }

  /// Reads what stands between brackets and adds it, or marks what it repeats.
  void AddGroup(Arguments& flat, bool optional, int depth) {
    std::vector<Arguments> alternatives;
    while (true) {
      Arguments sequence;
      ParseInto(sequence, depth);
      if (!sequence.empty()) alternatives.push_back(std::move(sequence));
      if (word_ != "|") break;
      Advance();
    }
    if (!word_.empty()) Advance();  // the closing bracket
    if (alternatives.empty()) return;
    if (alternatives.size() == 1 && MarkRepeated(flat, alternatives[0])) return;

    Arguments bound;
    for (Arguments& sequence : alternatives) bound.push_back(Alternative(std::move(sequence)));
    DocArgument group = bound.size() == 1 ? std::move(bound[0]) : Group("oneof", std::move(bound));
    group.optional = group.optional || optional;
    flat.push_back(std::move(group));
  }

  /// One sequence as one argument; without a token, `...` at its end repeats all of it.
  static DocArgument Alternative(Arguments sequence) {
    const bool repeated = sequence.back().multiple;
    const bool tokens = std::any_of(sequence.begin(), sequence.end(), IsPureToken);
    if (repeated && !tokens) sequence.back().multiple = false;
    DocArgument argument = Blocked(BindTokens(std::move(sequence), SIZE_MAX));
    if (repeated && !tokens) argument.multiple = true;
    return argument;
  }

  /// Whether `sequence` is `a b ...` where `flat` ends in `a b`; then those become multiple.
  static bool MarkRepeated(Arguments& flat, const Arguments& sequence) {
    if (!sequence.back().multiple || sequence.size() > flat.size()) return false;
    Arguments once = sequence;
    once.back().multiple = false;
    const auto first = flat.end() - static_cast<std::ptrdiff_t>(once.size());
    if (!std::equal(once.begin(), once.end(), first, flat.end())) return false;
    const bool token_too = IsPureToken(once[0]);
    flat.erase(first, flat.end());
    DocArgument repeated = Blocked(BindTokens(std::move(once), SIZE_MAX));
    repeated.multiple = true;
    repeated.multiple_token = token_too && repeated.type != "pure-token";
    flat.push_back(std::move(repeated));
    return true;
  }

  std::string_view rest_;
  std::string_view word_;
};

/// Numbers the keys in order; a name that comes again is the same specification.
void NumberKeys(Arguments& arguments, std::vector<std::string>& names) {
  for (DocArgument& argument : arguments) {
    if (argument.type == "key") {
      const auto known = std::find(names.begin(), names.end(), argument.name);
      argument.key_spec = static_cast<int>(known - names.begin());
      if (known == names.end()) names.push_back(argument.name);
    }
    NumberKeys(argument.arguments, names);
  }
}

}  // namespace

std::vector<DocArgument> ParseDocSyntax(std::string_view syntax) {
  Arguments arguments = Parser(syntax).Top();
  std::vector<std::string> names;
  NumberKeys(arguments, names);
  return arguments;
}

}  // namespace cloakroom
