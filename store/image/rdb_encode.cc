#include "store/image/rdb_encode.h"

#include <array>
#include <limits>

#include "store/base/check.h"
#include "store/base/coding.h"
#include "store/base/number.h"
#include "store/image/listpack_writer.h"
#include "store/image/lzf.h"
#include "store/image/rdb_format.h"
#include "store/table/hash_value.h"
#include "store/table/set_value.h"

namespace cloakroom {
namespace {

// Larger ones are written element by element, whatever form they have in memory.
constexpr size_t kListpackBytesMax = 1 << 20;
constexpr size_t kIntegerCharsMax = 11;  // -2147483648
// Below, nothing is saved; above, a string is written as it is, without a copy.
constexpr size_t kCompressedMin = 21;
constexpr size_t kCompressedMax = 16 << 20;
constexpr size_t kSavedMin = 4;

constexpr uint8_t kSpecial = 0xC0;

template <typename T>
void AppendInt(std::string& out, T value) {
  std::array<char, sizeof value> bytes;
  StoreInt(bytes.data(), value);
  out.append(bytes.data(), bytes.size());
}

template <typename T>
bool Fits(int64_t number) {
  return number >= std::numeric_limits<T>::min() && number <= std::numeric_limits<T>::max();
}

bool AppendAsInteger(std::string& out, std::string_view text) {
  int64_t number = 0;
  if (text.size() > kIntegerCharsMax || !ParseInteger(text, number) || !Fits<int32_t>(number))
    return false;
  if (Fits<int8_t>(number)) {
    out.push_back(static_cast<char>(kSpecial | kRdbInt8));
    AppendInt(out, static_cast<int8_t>(number));
  } else if (Fits<int16_t>(number)) {
    out.push_back(static_cast<char>(kSpecial | kRdbInt16));
    AppendInt(out, static_cast<int16_t>(number));
  } else {
    out.push_back(static_cast<char>(kSpecial | kRdbInt32));
    AppendInt(out, static_cast<int32_t>(number));
  }
  return true;
}

bool AppendCompressed(std::string& out, std::string_view text) {
  if (text.size() < kCompressedMin || text.size() > kCompressedMax) return false;
  std::string packed;
  if (!AppendPackedLzf(text, text.size() - kSavedMin, packed)) return false;
  out.push_back(static_cast<char>(kSpecial | kRdbLzf));
  AppendRdbLength(out, packed.size());
  AppendRdbLength(out, text.size());
  out.append(packed);
  return true;
}

void AppendListpack(std::string& out, const Entry& hash) {
  std::string packed;
  ListpackWriter writer(packed);
  HashForEach(hash, [&](std::string_view field, std::string_view value) {
    writer.Add(field);
    writer.Add(value);
  });
  writer.Finish();
  AppendRdbString(out, packed);
}

/// Ours and theirs are the same but for what stands in front.
void AppendIntset(std::string& out, const Entry& set) {
  const std::string_view intset = set.value();
  const auto width = static_cast<uint32_t>(static_cast<uint8_t>(intset[0]));
  const std::string_view integers = intset.substr(1);
  std::string packed;
  AppendInt(packed, width);
  AppendInt(packed, static_cast<uint32_t>(integers.size() / width));
  packed.append(integers);
  AppendRdbString(out, packed);
}

}  // namespace

void AppendRdbLength(std::string& out, uint64_t length) {
  if (length < 64) {
    out.push_back(static_cast<char>(length));
  } else if (length < 16384) {
    out.push_back(static_cast<char>(0x40 | length >> 8));
    out.push_back(static_cast<char>(length & 0xFF));
  } else if (length <= std::numeric_limits<uint32_t>::max()) {
    out.push_back(static_cast<char>(0x80));
    AppendInt(out, __builtin_bswap32(static_cast<uint32_t>(length)));
  } else {
    out.push_back(static_cast<char>(0x81));
    AppendInt(out, __builtin_bswap64(length));
  }
}

void AppendRdbString(std::string& out, std::string_view text) {
  if (AppendAsInteger(out, text) || AppendCompressed(out, text)) return;
  AppendRdbLength(out, text.size());
  out.append(text);
}

uint8_t RdbTypeOf(const Entry& entry) {
  switch (entry.type()) {
    case ValueType::kString:
      return kRdbString;
    case ValueType::kHash:
      return HashIsPacked(entry) && entry.value_size() <= kListpackBytesMax ? kRdbHashListpack
                                                                            : kRdbHash;
    case ValueType::kSet:
      return SetIsIntset(entry) ? kRdbSetIntset : kRdbSet;
    default:
      CHECK(!"a type that a dump file has");
      return 0;
  }
}

void AppendRdbValue(std::string& out, const Entry& entry, FunctionRef<void()> spill) {
  switch (RdbTypeOf(entry)) {
    case kRdbString:
      return AppendRdbString(out, entry.value());
    case kRdbHashListpack:
      return AppendListpack(out, entry);
    case kRdbSetIntset:
      return AppendIntset(out, entry);
    case kRdbHash:
      AppendRdbLength(out, HashSize(entry));
      return HashForEach(entry, [&](std::string_view field, std::string_view value) {
        AppendRdbString(out, field);
        AppendRdbString(out, value);
        spill();
      });
    default:
      AppendRdbLength(out, SetSize(entry));
      return SetForEach(entry, [&](std::string_view member) {
        AppendRdbString(out, member);
        spill();
      });
  }
}

}  // namespace cloakroom
