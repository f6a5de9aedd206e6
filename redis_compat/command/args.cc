#include "redis_compat/command/args.h"

namespace cloakroom {
namespace {

constexpr std::string_view kNotAnInteger = "value is not an integer or out of range";

char Fold(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

}  // namespace

Result<int64_t> Args::Integer(size_t i) const { return Integer(i, kNotAnInteger); }

Result<int64_t> Args::Integer(size_t i, std::string_view message) const {
  int64_t value = 0;
  if (!ParseInteger(words_[i], value)) return Fail(Code::kInvalid, message);
  return value;
}

bool Args::Is(size_t i, std::string_view word) const { return EqualsIgnoreCase(words_[i], word); }

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (Fold(a[i]) != Fold(b[i])) return false;
  return true;
}

}  // namespace cloakroom
