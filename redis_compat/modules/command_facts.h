#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "redis_compat/command/registry.h"

namespace cloakroom {

/// What COMMAND says of a command beyond its row: how it uses its keys, and tips for proxies.

/// A key specification: which words are keys, and what the command does with them.
struct KeySpec {
  std::string_view flags;  // "RW access update"
  int begin = 0;           // index of the first word
  bool counted = false;    // the word at `begin` says how many keys follow
  int last = 0;            // relative to `begin`; negative: from the end
  int step = 1;
};

[[nodiscard]] std::vector<KeySpec> KeySpecsOf(const Command& command);

/// Separated by blanks; empty when there are none.
[[nodiscard]] std::string_view TipsOf(const Command& command);

/// Names of the set flags, in Redis's order.
[[nodiscard]] std::vector<std::string_view> FlagNames(const Command& command);

/// ACL categories, without the @, in Redis's order: those that flags imply and the row's own.
[[nodiscard]] std::vector<std::string_view> CategoriesOf(const Command& command);

/// Whether `word` stands in `list`, words separated by blanks.
[[nodiscard]] bool HasWord(std::string_view list, std::string_view word);

/// Calls `visit` with each word of `list`.
template <typename Visit>
void ForEachWord(std::string_view list, Visit&& visit) {
  while (!list.empty()) {
    const std::string_view word = list.substr(0, list.find(' '));
    if (!word.empty()) visit(word);
    list.remove_prefix(word.size() == list.size() ? word.size() : word.size() + 1);
  }
}

}  // namespace cloakroom
