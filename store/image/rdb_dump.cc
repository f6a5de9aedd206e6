#include "store/image/rdb_dump.h"

#include <cstdint>

#include "store/base/check.h"
#include "store/base/coding.h"
#include "store/image/crc64.h"
#include "store/image/rdb_cursor.h"
#include "store/image/rdb_encode.h"
#include "store/image/rdb_format.h"
#include "store/image/rdb_value.h"

namespace cloakroom {
namespace {

constexpr size_t kVersionBytes = sizeof(uint16_t);
constexpr size_t kChecksumBytes = sizeof(uint64_t);
constexpr size_t kTailBytes = kVersionBytes + kChecksumBytes;

uint16_t VersionOf(std::string_view payload) {
  return LoadInt<uint16_t>(payload.data() + payload.size() - kTailBytes);
}

template <typename T>
void AppendInt(std::string& out, T value) {
  char bytes[sizeof value];
  StoreInt(bytes, value);
  out.append(bytes, sizeof bytes);
}

}  // namespace

void AppendDump(std::string& out, const Entry& entry) {
  const size_t start = out.size();
  out.push_back(static_cast<char>(RdbTypeOf(entry)));
  AppendRdbValue(out, entry, [] {});
  AppendInt(out, kRdbVersionWritten);
  AppendInt(out, Crc64(0, std::string_view(out).substr(start)));
}

bool DumpIsIntact(std::string_view payload) {
  if (payload.size() < kTailBytes) return false;
  const uint16_t version = VersionOf(payload);
  const bool known = version <= kRdbVersionMax ||
                     (version >= kValkeyRdbVersionMin && version <= kValkeyRdbVersionMax);
  const size_t summed = payload.size() - kChecksumBytes;
  return known && Crc64(0, payload.substr(0, summed)) == LoadInt<uint64_t>(payload.data() + summed);
}

Result<void> ReadDump(std::string_view payload, RdbSink& sink) {
  CHECK(payload.size() >= kTailBytes);
  const RdbDialect dialect =
      VersionOf(payload) >= kValkeyRdbVersionMin ? RdbDialect::kValkey : RdbDialect::kRedis;
  const std::string_view body = payload.substr(0, payload.size() - kTailBytes);
  if (body.empty()) return Fail(Code::kInvalid, "offset 0: expected a type of values");
  const auto number = static_cast<uint8_t>(body[0]);
  const RdbType* const type = FindRdbType(number, dialect);
  if (type == nullptr)
    return Fail(Code::kInvalid, "offset 0: expected a type of values, not {}", number);
  const RdbKey key{.db = 0, .key = {}, .kind = type->kind};
  if (type->kind == RdbKind::kOther) return sink.Other(key, type->name);

  RdbValueReader value(sink);
  value.Start(*type, key);
  for (size_t at = 1;;) {
    RdbCursor cursor(body.substr(at), at);
    TRY(const bool whole, value.Next(cursor));
    if (cursor.state() == RdbCursor::State::kBad) return tl::unexpected(cursor.error());
    if (!cursor.ok())
      return Fail(Code::kInvalid, "offset {}: expected the rest of a value", body.size());
    at += cursor.used();
    if (!whole) continue;
    if (at != body.size()) return Fail(Code::kInvalid, "offset {}: expected the end", at);
    if (value.empty()) return Fail(Code::kInvalid, "offset {}: expected an element", at);
    return {};
  }
}

}  // namespace cloakroom
