#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "store/base/result.h"
#include "store/base/time.h"
#include "store/image/rdb_format.h"
#include "store/table/entry.h"

namespace cloakroom {

/// Where a dump file goes.
class RdbOutput {
 public:
  virtual ~RdbOutput() = default;
  /// The next bytes of the file. An error ends the writing.
  virtual Result<void> Write(std::string_view bytes) = 0;
};

/// Writes a dump file of version 10: what Redis 7.0 loads, and every later Redis and Valkey. What
/// is written leaves by parts of about kPartBytes, or of one string where that is larger.
///
///   RdbWriter writer(output, origin);
///   writer.SelectDb(0, keys, with_deadline);
///   for (...) writer.Put(entry);
///   TRY_VOID(writer.Finish());
class RdbWriter {
 public:
  struct Origin {
    std::string_view redis_version;  // "7.0.15"; Redis names it in its log
    TimeMs now = 0;
    uint64_t used_bytes = 0;  // memory in use
  };
  static constexpr size_t kPartBytes = 64 * 1024;

  /// Begins the file.
  RdbWriter(RdbOutput& output, const Origin& origin);
  RdbWriter(const RdbWriter&) = delete;
  RdbWriter& operator=(const RdbWriter&) = delete;

  /// Something else about the file; before the first key.
  void Aux(std::string_view name, std::string_view value);

  /// The keys that follow are of database `db`; about so many of them, so many with a deadline.
  /// Call once a database.
  void SelectDb(uint32_t db, uint64_t keys, uint64_t with_deadline);

  /// A key with its deadline and value. Precondition: a string, hash or set, not seen before.
  /// O(size).
  void Put(const Entry& entry);

  /// A hash whose fields are not at hand as an entry: exactly `count` of them must follow, at least
  /// one, none twice.
  void BeginHash(std::string_view key, TimeMs deadline, uint64_t count);
  void Field(std::string_view field, std::string_view value);

  /// Ends the file. Errors: the first that the output gave; nothing was written after it.
  [[nodiscard]] Result<void> Finish();
  /// False: the output failed, and there is no use in going on.
  [[nodiscard]] bool ok() const { return written_.has_value(); }

 private:
  void Head(uint8_t type, std::string_view key, TimeMs deadline);
  void FlushFull();
  void Flush();

  RdbOutput& output_;
  std::string buffer_;
  uint64_t checksum_ = 0;  // of what left the buffer
  uint64_t fields_left_ = 0;
  Result<void> written_;
};

}  // namespace cloakroom
