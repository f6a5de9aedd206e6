#include "store/base/number.h"

#include <cctype>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "store/base/check.h"

namespace cloakroom {
namespace {

// Longer texts are refused, as in Redis: the largest long double has 4,933 digits.
constexpr size_t kLongDoubleCharsMax = 5 * 1024 - 1;

}  // namespace

bool ParseInteger(std::string_view text, int64_t& out) {
  if (text.empty()) return false;
  const size_t first = text[0] == '-' ? 1 : 0;
  if (first == text.size()) return false;
  if (text[first] == '0') {
    if (text.size() != 1) return false;
    out = 0;
    return true;
  }
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return false;
  out = value;
  return true;
}

bool ParseLongDouble(std::string_view text, long double& out) {
  if (text.empty() || text.size() > kLongDoubleCharsMax) return false;
  if (std::isspace(static_cast<unsigned char>(text[0]))) return false;
  char buffer[kLongDoubleCharsMax + 1];  // strtold wants a terminator
  std::memcpy(buffer, text.data(), text.size());
  buffer[text.size()] = '\0';

  errno = 0;
  char* end = nullptr;
  const long double value = std::strtold(buffer, &end);
  if (end != buffer + text.size() || errno == EINVAL || std::isnan(value)) return false;
  if (errno == ERANGE && (std::isinf(value) || value == 0)) return false;
  out = value;
  return true;
}

std::string FormatLongDouble(long double value) {
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char buffer[kLongDoubleCharsMax + 1];
  const int written = std::snprintf(buffer, sizeof buffer, "%.17Lf", value);
  CHECK(written > 0 && static_cast<size_t>(written) < sizeof buffer);

  std::string_view text(buffer, static_cast<size_t>(written));
  text.remove_suffix(text.size() - 1 - text.find_last_not_of('0'));
  if (text.back() == '.') text.remove_suffix(1);
  return text == "-0" ? "0" : std::string(text);
}

}  // namespace cloakroom
