#include "store/types/hash.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "store/base/number.h"
#include "store/types/distinct.h"
#include "store/types/sampling.h"

namespace cloakroom {
namespace {

std::optional<std::string_view> Get(const Place& place, std::string_view field) {
  return place.entry == nullptr ? std::nullopt : HashGet(*place.entry, field);
}

void SetOne(const Place& place, std::string_view field, std::string_view value, WriteBatch& batch) {
  const std::string_view pair[] = {field, value};
  batch.HashSet(place.db, place.key, pair);
}

}  // namespace

size_t SetFields(const Place& place, std::span<const std::string_view> fields_values,
                 WriteBatch& batch) {
  batch.HashSet(place.db, place.key, fields_values);
  if (fields_values.size() == 2) return Get(place, fields_values[0]) ? 0 : 1;

  size_t created = 0;
  FirstSights sights(fields_values, 2, place.key.position.hash);
  for (size_t i = 0; i < fields_values.size(); i += 2) {
    if (sights.IsFirst(i) && !Get(place, fields_values[i])) ++created;
  }
  return created;
}

bool SetFieldIfAbsent(const Place& place, std::string_view field, std::string_view value,
                      WriteBatch& batch) {
  if (Get(place, field)) return false;
  SetOne(place, field, value, batch);
  return true;
}

size_t DeleteFields(const Place& place, std::span<const std::string_view> fields,
                    WriteBatch& batch) {
  if (place.entry == nullptr) return 0;
  std::vector<std::string_view> found;
  found.reserve(fields.size());
  FirstSights sights(fields, 1, place.key.position.hash);
  for (size_t i = 0; i < fields.size(); ++i) {
    if (sights.IsFirst(i) && HashGet(*place.entry, fields[i])) found.push_back(fields[i]);
  }
  if (found.size() == HashSize(*place.entry)) {
    batch.Delete(place.db, place.key);
  } else {
    batch.HashDelete(place.db, place.key, found);
  }
  return found.size();
}

Result<int64_t> IncrementField(const Place& place, std::string_view field, int64_t by,
                               WriteBatch& batch) {
  int64_t value = 0;
  const auto text = Get(place, field);
  if (text && !ParseInteger(*text, value))
    return Fail(Code::kInvalid, "hash value is not an integer");
  int64_t sum = 0;
  if (__builtin_add_overflow(value, by, &sum))
    return Fail(Code::kOutOfRange, "increment or decrement would overflow");
  const fmt::format_int digits(sum);
  SetOne(place, field, {digits.data(), digits.size()}, batch);
  return sum;
}

Result<std::string> IncrementFieldFloat(const Place& place, std::string_view field, long double by,
                                        WriteBatch& batch) {
  long double value = 0;
  const auto text = Get(place, field);
  if (text && !ParseLongDouble(*text, value))
    return Fail(Code::kInvalid, "hash value is not a float");
  value += by;
  if (!std::isfinite(value))
    return Fail(Code::kOutOfRange, "increment would produce NaN or Infinity");
  std::string sum = FormatLongDouble(value);
  SetOne(place, field, sum, batch);
  return sum;
}

std::vector<FieldValue> SampleFields(const Place& place, size_t count, DrawBits draw) {
  std::vector<FieldValue> sample;
  if (place.entry == nullptr) return sample;
  const Entry& entry = *place.entry;
  const size_t size = HashSize(entry);
  sample.reserve(std::min(count, size));

  // Picking from a packed hash walks it each time: one walk in all is better.
  if (!HashIsPacked(entry) && IsSmallPart(count, size)) {
    Distinct seen(place.key.position.hash);
    const bool done = PickDistinct(count, [&] {
      const FieldValue pair = HashPick(entry, draw);
      if (!seen.Insert(pair.field)) return false;
      sample.push_back(pair);
      return true;
    });
    if (done) return sample;
    sample.clear();
  }
  SelectionSampler sampler(count, size);
  HashForEach(entry, [&](std::string_view field, std::string_view value) {
    if (sampler.Take(draw)) sample.push_back({field, value});
  });
  return sample;
}

}  // namespace cloakroom
