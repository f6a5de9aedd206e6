#include "store/image/rdb_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "store/base/number.h"
#include "store/image/crc64.h"

namespace cloakroom {
namespace {

constexpr std::string_view kRedisMagic = "REDIS";
constexpr std::string_view kValkeyMagic = "VALKEY";
constexpr uint64_t kHeaderBytes = 9;
constexpr uint64_t kSlotRangesMax = 16384;
// A buffer that one huge value made is not kept.
constexpr size_t kKeepBytesMax = 4 << 20;

/// The decimal number that `digits` are, or -1.
int64_t ReadDigits(std::string_view digits) {
  int64_t number = 0;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') return -1;
    number = 10 * number + (digit - '0');
  }
  return number;
}

/// A deadline as we keep it. Those before 1970, or far from it, are so long ago or ahead that
/// nobody can tell.
TimeMs ReadDeadline(int64_t deadline) { return std::clamp<int64_t>(deadline, 1, kDeadlineMax); }

}  // namespace

Result<size_t> RdbReader::Feed(std::string_view bytes) {
  if (failed_) return tl::unexpected(*failed_);
  if (done()) return 0;
  buffer_.append(bytes);
  if (auto advanced = Advance(); !advanced) {
    failed_ = advanced.error();
    return tl::unexpected(*failed_);
  }
  const size_t left = buffer_.size() - at_;
  if (done()) {
    buffer_ = std::string();
    return bytes.size() - left;  // what is left came with these bytes
  }
  if (left == 0 && buffer_.capacity() > kKeepBytesMax) buffer_ = std::string();
  buffer_.erase(0, std::min(at_, buffer_.size()));
  at_ = 0;
  return bytes.size();
}

Result<void> RdbReader::Advance() {
  size_t summed_to = at_;
  const auto sum = [&] {
    checksum_ = Crc64(checksum_, std::string_view(buffer_).substr(summed_to, at_ - summed_to));
    summed_to = at_;
  };
  while (!done() && buffer_.size() - at_ >= needed_) {
    if (stage_ == Stage::kChecksum) sum();
    RdbCursor cursor(std::string_view(buffer_).substr(at_), offset_);
    TRY_VOID(Unit(cursor));
    if (cursor.state() == RdbCursor::State::kBad) return tl::unexpected(cursor.error());
    if (cursor.state() == RdbCursor::State::kShort) {
      needed_ = cursor.needed();
      break;
    }
    at_ += cursor.used();
    offset_ += cursor.used();
    counters_.bytes = offset_;
    needed_ = 1;
  }
  sum();
  return {};
}

Result<void> RdbReader::Finish() {
  if (failed_) return tl::unexpected(*failed_);
  if (done()) return {};
  failed_ =
      Error{Code::kInvalid, fmt::format("offset {}: expected {}, the file ends after {} bytes",
                                        offset_, Expected(), offset_ + buffer_.size() - at_)};
  return tl::unexpected(*failed_);
}

std::string_view RdbReader::Expected() const {
  switch (stage_) {
    case Stage::kHeader:
      return "REDIS or VALKEY and a version";
    case Stage::kItem:
      return "a key or the end mark";
    case Stage::kChecksum:
      return "a checksum";
    default:
      return "the rest of a value";
  }
}

Result<void> RdbReader::Unit(RdbCursor& cursor) {
  switch (stage_) {
    case Stage::kHeader:
      return Header(cursor);
    case Stage::kItem:
      return Item(cursor);
    case Stage::kValue: {
      TRY(const bool whole, value_.Next(cursor));
      if (!cursor.ok() || !whole) return {};
      ++(value_.empty() ? counters_.empty_keys : counters_.keys);
      EndKey();
      return {};
    }
    case Stage::kOther:
      if (!skipper_.Next(cursor) || !cursor.ok()) return {};
      ++counters_.other_keys;
      EndKey();
      return {};
    case Stage::kModuleAux:
      if (!skipper_.Next(cursor) || !cursor.ok()) return {};
      ++counters_.module_data;
      stage_ = Stage::kItem;
      return {};
    case Stage::kChecksum:
      Checksum(cursor);
      return {};
    case Stage::kDone:
      break;
  }
  return {};
}

Result<void> RdbReader::Header(RdbCursor& cursor) {
  const std::string_view header = cursor.Bytes(kHeaderBytes);
  if (!cursor.ok()) return {};
  const bool valkey = header.starts_with(kValkeyMagic);
  const int64_t version = ReadDigits(header.substr((valkey ? kValkeyMagic : kRedisMagic).size()));
  if ((!valkey && !header.starts_with(kRedisMagic)) || version < 0) {
    cursor.Fail(0, "REDIS or VALKEY and a version");
    return {};
  }
  const int64_t lowest = valkey ? kValkeyRdbVersionMin : 1;
  const int64_t highest = valkey ? kValkeyRdbVersionMax : kRdbVersionMax;
  if (version < lowest || version > highest)
    return Fail(Code::kUnavailable, "dump file of version {} of {}, must be {} to {}", version,
                valkey ? "Valkey" : "Redis", lowest, highest);
  version_ = static_cast<uint16_t>(version);
  dialect_ = valkey ? RdbDialect::kValkey : RdbDialect::kRedis;
  stage_ = Stage::kItem;
  return {};
}

Result<void> RdbReader::Item(RdbCursor& cursor) {
  const uint8_t number = cursor.Byte();
  if (!cursor.ok()) return {};
  if (number >= static_cast<uint8_t>(RdbOpcode::kSlotImport))
    return Opcode(static_cast<RdbOpcode>(number), cursor);
  return Key(number, cursor);
}

Result<void> RdbReader::Opcode(RdbOpcode opcode, RdbCursor& cursor) {
  switch (opcode) {
    case RdbOpcode::kSlotImport:
      if (dialect_ != RdbDialect::kValkey)
        return Fail(Code::kUnavailable, "offset {}: metadata of modules, which cannot be read",
                    offset_);
      SlotImport(cursor);
      return {};
    case RdbOpcode::kSlotInfo:
      for (int i = 0; i < 3; ++i) cursor.SkipLength();
      return {};
    case RdbOpcode::kFunction:
      cursor.SkipString();
      if (cursor.ok()) ++counters_.functions;
      return {};
    case RdbOpcode::kOldFunction:
      return Fail(Code::kUnavailable, "offset {}: a function of a release candidate of Redis 7.0",
                  offset_);
    case RdbOpcode::kModuleAux:
      for (int i = 0; i < 3; ++i) cursor.SkipLength();  // module, what follows, when to load it
      if (!cursor.ok()) return {};
      skipper_.StartModuleParts();
      stage_ = Stage::kModuleAux;
      return {};
    case RdbOpcode::kAux:
      return Aux(cursor);
    case RdbOpcode::kResizeDb:
      cursor.SkipLength();
      cursor.SkipLength();
      return {};
    case RdbOpcode::kEof:
      stage_ = version_ >= kRdbChecksumSince ? Stage::kChecksum : Stage::kDone;
      return {};
    default:
      return Attribute(opcode, cursor);
  }
}

/// What is said of the keys, or of the key, that follow.
Result<void> RdbReader::Attribute(RdbOpcode opcode, RdbCursor& cursor) {
  RdbKey key = key_;
  switch (opcode) {
    case RdbOpcode::kIdle:
      key.idle_s = static_cast<int64_t>(
          std::min<uint64_t>(cursor.Length(), std::numeric_limits<int64_t>::max()));
      break;
    case RdbOpcode::kFrequency:
      key.frequency = cursor.Byte();
      break;
    case RdbOpcode::kDeadlineMs:
      key.deadline = ReadDeadline(cursor.Int<int64_t>());
      break;
    case RdbOpcode::kDeadline:
      key.deadline = ReadDeadline(int64_t{cursor.Int<int32_t>()} * 1000);
      break;
    case RdbOpcode::kSelectDb: {
      const uint64_t db = cursor.Length();
      if (db > std::numeric_limits<uint32_t>::max())
        cursor.Fail(offset_ + 1, fmt::format("a database, not {}", db));
      key.db = static_cast<uint32_t>(db);
      break;
    }
    default:
      break;
  }
  if (cursor.ok()) key_ = key;
  return {};
}

Result<void> RdbReader::Aux(RdbCursor& cursor) {
  const std::string_view name = cursor.String(decoded_[0]);
  const std::string_view value = cursor.String(decoded_[1]);
  return cursor.ok() ? sink_.Aux(name, value) : Result<void>();
}

/// A slot that was being moved to the writer: a name, and ranges of slots.
void RdbReader::SlotImport(RdbCursor& cursor) const {
  cursor.SkipString();
  const uint64_t start = cursor.offset();
  const uint64_t ranges = cursor.Length();
  if (ranges > kSlotRangesMax) cursor.Fail(start, fmt::format("ranges of slots, not {}", ranges));
  for (uint64_t i = 0; i < ranges && cursor.ok(); ++i) {
    cursor.SkipLength();
    cursor.SkipLength();
  }
}

Result<void> RdbReader::Key(uint8_t number, RdbCursor& cursor) {
  const RdbType* const type = FindRdbType(number, dialect_);
  if (type == nullptr) {
    cursor.Fail(offset_, fmt::format("a type of values or an opcode, not {}", number));
    return {};
  }
  const std::string_view key = cursor.String(decoded_[0]);
  if (!cursor.ok()) return {};
  key_bytes_.assign(key);
  key_.key = key_bytes_;
  key_.kind = type->kind;
  if (type->layout == RdbLayout::kUnreadable)
    return Fail(Code::kUnavailable, "offset {}: a {} of a release candidate, which cannot be read",
                offset_, type->name);
  if (type->kind == RdbKind::kOther) {
    TRY_VOID(sink_.Other(key_, type->name));
    skipper_.Start(type->layout);
    stage_ = Stage::kOther;
  } else {
    value_.Start(*type, key_);
    stage_ = Stage::kValue;
  }
  return {};
}

void RdbReader::EndKey() {
  const uint32_t db = key_.db;
  key_ = {};
  key_.db = db;
  stage_ = Stage::kItem;
}

void RdbReader::Checksum(RdbCursor& cursor) {
  const auto stored = cursor.Int<uint64_t>();
  if (!cursor.ok()) return;
  // Zero: whoever wrote the file was told to count none.
  if (stored != 0 && stored != checksum_) {
    cursor.Fail(offset_, fmt::format("the checksum {:016x}, not {:016x}", checksum_, stored));
    return;
  }
  stage_ = Stage::kDone;
}

}  // namespace cloakroom
