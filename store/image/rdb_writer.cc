#include "store/image/rdb_writer.h"

#include <fmt/format.h>

#include "store/base/check.h"
#include "store/base/coding.h"
#include "store/image/crc64.h"
#include "store/image/rdb_encode.h"

namespace cloakroom {
namespace {

void AppendOpcode(std::string& out, RdbOpcode opcode) { out.push_back(static_cast<char>(opcode)); }

void AppendInt64(std::string& out, uint64_t value) {
  char bytes[sizeof value];
  StoreInt(bytes, value);
  out.append(bytes, sizeof bytes);
}

}  // namespace

RdbWriter::RdbWriter(RdbOutput& output, const Origin& origin) : output_(output) {
  buffer_ = fmt::format("REDIS{:04}", kRdbVersionWritten);
  Aux("redis-ver", origin.redis_version);
  Aux("redis-bits", "64");
  Aux("ctime", fmt::format("{}", origin.now / 1000));
  Aux("used-mem", fmt::format("{}", origin.used_bytes));
  Aux("aof-base", "0");
}

void RdbWriter::Aux(std::string_view name, std::string_view value) {
  AppendOpcode(buffer_, RdbOpcode::kAux);
  AppendRdbString(buffer_, name);
  AppendRdbString(buffer_, value);
}

void RdbWriter::SelectDb(uint32_t db, uint64_t keys, uint64_t with_deadline) {
  CHECK(fields_left_ == 0);
  AppendOpcode(buffer_, RdbOpcode::kSelectDb);
  AppendRdbLength(buffer_, db);
  AppendOpcode(buffer_, RdbOpcode::kResizeDb);
  AppendRdbLength(buffer_, keys);
  AppendRdbLength(buffer_, with_deadline);
}

void RdbWriter::Put(const Entry& entry) {
  Head(RdbTypeOf(entry), entry.key(), entry.deadline());
  AppendRdbValue(buffer_, entry, [this] { FlushFull(); });
  FlushFull();
}

void RdbWriter::BeginHash(std::string_view key, TimeMs deadline, uint64_t count) {
  Head(kRdbHash, key, deadline);
  CHECK(count > 0);
  AppendRdbLength(buffer_, count);
  fields_left_ = count;
}

void RdbWriter::Field(std::string_view field, std::string_view value) {
  // Invariant: as many as were announced. Why: the reader takes what follows for the next key.
  CHECK(fields_left_ > 0);
  --fields_left_;
  AppendRdbString(buffer_, field);
  AppendRdbString(buffer_, value);
  FlushFull();
}

void RdbWriter::Head(uint8_t type, std::string_view key, TimeMs deadline) {
  CHECK(fields_left_ == 0);
  if (deadline != kNoDeadline) {
    AppendOpcode(buffer_, RdbOpcode::kDeadlineMs);
    AppendInt64(buffer_, static_cast<uint64_t>(deadline));
  }
  buffer_.push_back(static_cast<char>(type));
  AppendRdbString(buffer_, key);
}

Result<void> RdbWriter::Finish() {
  CHECK(fields_left_ == 0);
  AppendOpcode(buffer_, RdbOpcode::kEof);
  AppendInt64(buffer_, Crc64(checksum_, buffer_));
  Flush();
  return written_;
}

void RdbWriter::FlushFull() {
  if (buffer_.size() >= kPartBytes) Flush();
}

void RdbWriter::Flush() {
  if (written_) written_ = output_.Write(buffer_);
  checksum_ = Crc64(checksum_, buffer_);
  if (buffer_.capacity() > 16 * kPartBytes) buffer_ = std::string();
  buffer_.clear();
}

}  // namespace cloakroom
