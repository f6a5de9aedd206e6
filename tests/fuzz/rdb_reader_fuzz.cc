// Any bytes, torn anywhere, must give the same keys and the same error as in one piece; nothing
// crashes, and no more is allocated than the bytes can stand for. The first byte says where to
// tear, and whether the rest is a file or the payload of a RESTORE. What was read as a file is
// taken into a keyspace too, written, and read again.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "store/base/check.h"
#include "store/image/crc64.h"
#include "store/image/lzf.h"
#include "store/image/rdb_dump.h"
#include "store/image/rdb_export.h"
#include "store/image/rdb_import.h"
#include "tests/support/keyspace_dump.h"
#include "tests/support/keyspace_log.h"
#include "tests/support/rdb_file.h"
#include "tests/support/rdb_record.h"

namespace cloakroom {
namespace {

template <typename T>
void AppendInt(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// Bytes of the words that a reader tells: no more than LZF can make of the file.
void CheckSize(const RdbReading& reading, size_t file_bytes) {
  size_t told = 0;
  for (const std::string& line : reading.record.lines) told += line.size();
  // A number of one byte is told as up to 20 digits, with a blank and a key's head around it.
  CHECK(told <= 100 * (file_bytes + 1) * kLzfGrowthMax);
}

/// Takes the file into `log`; false when it is refused.
bool Import(std::string_view file, KeyspaceLog& log) {
  RdbImport import(log.keys, {.now = log.now, .batch_bytes_max = 100}, [&](WriteBatch& batch) {
    log.batch = std::move(batch);
    batch = WriteBatch{};
    log.Apply();
    return Result<void>();
  });
  RdbReader reader(import);
  return reader.Feed(file) && reader.Finish() && import.Finish();
}

/// What was taken in is written as a file that gives the same again.
void Rewrite(std::string_view file) {
  constexpr uint32_t kDatabases = 4;
  KeyspaceLog log(kDatabases);
  if (!Import(file, log)) return;
  RdbText text;
  RdbWriter writer(text, {.redis_version = "7.0.15"});
  WriteState(writer, log.keys, log.now);
  CHECK(writer.Finish().has_value());
  KeyspaceLog again(kDatabases, 2);
  again.now = log.now;
  CHECK(Import(text.bytes, again));
  CHECK(DumpKeyspace(again.keys, log.now) == DumpKeyspace(log.keys, log.now));
}

void ReadFile(std::string_view file, size_t piece_bytes) {
  const RdbReading whole = ReadRdb(file);
  const RdbReading torn = ReadRdb(file, piece_bytes);
  CHECK(torn.record.lines == whole.record.lines);
  CHECK(torn.error == whole.error);
  if (whole.error.empty()) CHECK(torn.taken == whole.taken);
  CheckSize(whole, file.size());
  Rewrite(file);
}

/// Seals the bytes: the checksum must not keep them from being looked at.
void ReadPayload(std::string_view body) {
  for (const uint16_t version : {kRdbVersionMax, kValkeyRdbVersionMax}) {
    std::string payload(body);
    AppendInt(payload, version);
    AppendInt(payload, Crc64(0, payload));
    CHECK(DumpIsIntact(payload));
    RdbRecord record;
    static_cast<void>(ReadDump(payload, record));
  }
}

}  // namespace
}  // namespace cloakroom

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto control = data[0];
  const size_t piece_bytes = 1 + (control & 63);
  if ((control & 128) != 0) {
    cloakroom::ReadPayload(bytes);
  } else if ((control & 64) == 0) {
    cloakroom::ReadFile(bytes, piece_bytes);
  } else {
    std::string sealed(bytes);
    sealed.push_back(static_cast<char>(cloakroom::RdbOpcode::kEof));
    cloakroom::AppendInt(sealed, cloakroom::Crc64(0, sealed));
    cloakroom::ReadFile(sealed, piece_bytes);
  }
  return 0;
}
