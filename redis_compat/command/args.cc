#include "redis_compat/command/args.h"

#include "store/base/coding.h"

namespace cloakroom {
namespace {

constexpr std::string_view kNotAnInteger = "value is not an integer or out of range";

char Fold(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

constexpr size_t kAtOnce = sizeof(uint64_t);

/// Whether eight characters are equal but for the case of letters.
bool EightEqual(const char* a, const char* b) {
  constexpr uint64_t kEach = 0x0101010101010101;
  constexpr uint64_t kCaseBits = kEach * 0x20;
  constexpr uint64_t kTopBits = kEach * 0x80;
  const auto first = LoadInt<uint64_t>(a);
  const uint64_t differ = first ^ LoadInt<uint64_t>(b);
  if ((differ & ~kCaseBits) != 0) return false;
  // The sums carry into a byte's top bit when its low seven are 'a' or more, or beyond 'z'.
  const uint64_t folded = first | kCaseBits;
  const uint64_t low = folded & ~kTopBits;
  const uint64_t letters =
      (low + kEach * (0x80 - 'a')) & ~(low + kEach * (0x80 - 'z' - 1)) & ~folded & kTopBits;
  return ((differ << 2) & ~letters) == 0;
}

}  // namespace

Result<int64_t> Args::Integer(size_t i) const { return Integer(i, kNotAnInteger); }

Result<int64_t> Args::Integer(size_t i, std::string_view message) const {
  int64_t value = 0;
  if (!ParseInteger(words_[i], value)) return Fail(Code::kInvalid, message);
  return value;
}

bool Args::Is(size_t i, std::string_view word) const { return EqualsIgnoreCase(words_[i], word); }

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  const size_t size = a.size();
  if (size != b.size()) return false;
  if (size >= kAtOnce) {
    for (size_t i = 0; i + kAtOnce <= size; i += kAtOnce)
      if (!EightEqual(a.data() + i, b.data() + i)) return false;
    return EightEqual(a.end() - kAtOnce, b.end() - kAtOnce);
  }
  for (size_t i = 0; i < size; ++i)
    if (Fold(a[i]) != Fold(b[i])) return false;
  return true;
}

}  // namespace cloakroom
