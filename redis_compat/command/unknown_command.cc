#include "redis_compat/command/unknown_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

namespace cloakroom {
namespace {

constexpr size_t kQuotedBytesMax = 128;  // of a client's words in an error

/// Up to the first NUL and at most `bytes_max` bytes.
std::string_view Quotable(std::string_view word, size_t bytes_max) {
  return word.substr(0, std::min(word.find('\0'), bytes_max));
}

}  // namespace

Error UnknownCommand(const Registry& registry, Args args) {
  if (args.size() > 1 && registry.Find(args[0]) != nullptr) {
    std::string parent(args[0]);
    for (char& c : parent)
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 0x20);
    return {Code::kInvalid, fmt::format("unknown subcommand '{}'. Try {} HELP.",
                                        Quotable(args[1], kQuotedBytesMax), parent)};
  }
  std::string words;
  for (size_t i = 1; i < args.size() && words.size() < kQuotedBytesMax; ++i) {
    const size_t room = kQuotedBytesMax - words.size();
    fmt::format_to(std::back_inserter(words), "'{}' ", Quotable(args[i], room));
  }
  return {Code::kInvalid, fmt::format("unknown command '{}', with args beginning with: {}",
                                      Quotable(args[0], kQuotedBytesMax), words)};
}

}  // namespace cloakroom
