#pragma once

#include <fmt/format.h>

#include <concepts>
#include <string>
#include <string_view>

namespace cloakroom::bench {

/// Appends the head of a request of `words` words.
inline void AppendHead(std::string& out, size_t words) {
  fmt::format_to(std::back_inserter(out), "*{}\r\n", words);
}

/// Appends one word of a request.
inline void AppendWord(std::string& out, std::string_view word) {
  const fmt::format_int length(word.size());
  out += '$';
  out.append(length.data(), length.size());
  out += "\r\n";
  out += word;
  out += "\r\n";
}

inline void AppendWord(std::string& out, std::integral auto number) {
  const fmt::format_int digits(number);
  AppendWord(out, std::string_view(digits.data(), digits.size()));
}

/// Appends a whole request: text and numbers, each a word.
template <typename... Words>
void AppendRequest(std::string& out, const Words&... words) {
  AppendHead(out, sizeof...(words));
  (AppendWord(out, words), ...);
}

}  // namespace cloakroom::bench
