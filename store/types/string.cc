#include "store/types/string.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "store/base/number.h"

namespace cloakroom {
namespace {

// Up to here Redis 7.0 keeps a string and its header in one allocation.
constexpr size_t kEmbeddedBytesMax = 44;

constexpr std::string_view kTooLong = "string exceeds maximum allowed size (proto-max-bulk-len)";

TimeMs DeadlineOf(const Place& place) {
  return place.entry == nullptr ? kNoDeadline : place.entry->deadline();
}

/// Whether `size + more` passes `bytes_max`, without overflow.
bool Exceeds(uint64_t size, uint64_t more, uint64_t bytes_max) {
  return more > bytes_max || size > bytes_max - more;
}

}  // namespace

void SetString(const Place& place, std::string_view value, TimeMs deadline, TimeMs now,
               WriteBatch& batch) {
  if (deadline == kNoDeadline || deadline > now) {
    batch.PutString(place.db, place.key, value, StorableDeadline(deadline));
  } else if (place.entry != nullptr) {
    batch.Delete(place.db, place.key);
  }
}

Result<int64_t> IncrementString(const Place& place, int64_t by, WriteBatch& batch) {
  int64_t value = 0;
  if (place.entry != nullptr && !ParseInteger(place.entry->value(), value))
    return Fail(Code::kInvalid, "value is not an integer or out of range");
  int64_t sum = 0;
  if (__builtin_add_overflow(value, by, &sum))
    return Fail(Code::kOutOfRange, "increment or decrement would overflow");
  const fmt::format_int text(sum);
  batch.PutString(place.db, place.key, {text.data(), text.size()}, DeadlineOf(place));
  return sum;
}

Result<std::string> IncrementStringFloat(const Place& place, long double by, WriteBatch& batch) {
  long double value = 0;
  if (place.entry != nullptr && !ParseLongDouble(place.entry->value(), value))
    return Fail(Code::kInvalid, "value is not a valid float");
  value += by;
  if (!std::isfinite(value))
    return Fail(Code::kOutOfRange, "increment would produce NaN or Infinity");
  std::string text = FormatLongDouble(value);
  batch.PutText(place.db, place.key, text, DeadlineOf(place));
  return text;
}

Result<uint64_t> AppendString(const Place& place, std::string_view bytes, uint64_t bytes_max,
                              WriteBatch& batch) {
  if (place.entry == nullptr) {
    batch.PutString(place.db, place.key, bytes, kNoDeadline);
    return bytes.size();
  }
  const uint64_t size = place.entry->value_size();
  if (Exceeds(size, bytes.size(), bytes_max)) return Fail(Code::kOutOfRange, kTooLong);
  batch.AppendString(place.db, place.key, size, bytes);
  return size + bytes.size();
}

Result<uint64_t> WriteString(const Place& place, uint64_t offset, std::string_view bytes,
                             uint64_t bytes_max, WriteBatch& batch) {
  const uint64_t size = place.entry == nullptr ? 0 : place.entry->value_size();
  if (bytes.empty()) return size;
  if (Exceeds(offset, bytes.size(), bytes_max)) return Fail(Code::kOutOfRange, kTooLong);
  batch.WriteString(place.db, place.key, offset, bytes);
  return std::max(size, offset + bytes.size());
}

std::string_view StringRange(std::string_view value, int64_t first, int64_t last) {
  const auto size = static_cast<int64_t>(value.size());
  if (first < 0 && last < 0 && first > last) return {};
  if (first < 0) first = std::max<int64_t>(first + size, 0);
  if (last < 0) last = std::max<int64_t>(last + size, 0);
  last = std::min(last, size - 1);
  if (first > last) return {};
  return value.substr(static_cast<size_t>(first), static_cast<size_t>(last - first + 1));
}

std::string_view StringEncoding(const Entry& entry) {
  if (entry.encoding() == Encoding::kRaw) return "raw";
  int64_t value = 0;
  if (entry.encoding() != Encoding::kText && ParseInteger(entry.value(), value)) return "int";
  return entry.value_size() <= kEmbeddedBytesMax ? "embstr" : "raw";
}

}  // namespace cloakroom
