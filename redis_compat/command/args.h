#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "store/base/number.h"  // ParseInteger and its kin, for handlers
#include "store/base/result.h"

namespace cloakroom {

/// The words of one command, name first, borrowed from the read buffer for the length of the turn.
class Args {
 public:
  Args() = default;
  explicit Args(std::span<const std::string_view> words) : words_(words) {}

  [[nodiscard]] size_t size() const { return words_.size(); }
  [[nodiscard]] std::string_view operator[](size_t i) const { return words_[i]; }
  [[nodiscard]] std::span<const std::string_view> words() const { return words_; }
  [[nodiscard]] std::span<const std::string_view> From(size_t i) const { return words_.subspan(i); }

  /// Word `i` as a signed 64-bit integer in Redis's strict form (no blanks, no +, no leading 0),
  /// or Redis's error "value is not an integer or out of range".
  [[nodiscard]] Result<int64_t> Integer(size_t i) const;
  /// The same with another message.
  [[nodiscard]] Result<int64_t> Integer(size_t i, std::string_view message) const;

  /// Whether word `i` is `word`, letters of either case. `word` is given in upper case.
  [[nodiscard]] bool Is(size_t i, std::string_view word) const;

 private:
  std::span<const std::string_view> words_;
};

/// ASCII comparison without case.
[[nodiscard]] bool EqualsIgnoreCase(std::string_view a, std::string_view b);

/// glob-style match of KEYS, SCAN, CONFIG GET and PSUBSCRIBE: * ? [a-z] [^x] and backslash. An
/// empty text matches only an empty pattern.
[[nodiscard]] bool GlobMatch(std::string_view pattern, std::string_view text, bool ignore_case);

}  // namespace cloakroom
