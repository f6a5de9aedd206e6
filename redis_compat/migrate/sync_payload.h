#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "redis_compat/migrate/migration_target.h"
#include "store/base/result.h"
#include "store/image/rdb_import.h"
#include "store/image/rdb_reader.h"

namespace cloakroom {

/// How a primary frames the dump of a full sync: it says its size before, or the 40 bytes that come
/// behind it (when it does not know the size yet).
struct DumpFrame {
  std::optional<uint64_t> size;
  std::string mark;  // when there is no size

  static constexpr size_t kMarkBytes = 40;

  /// Reads "$<size>" or "$EOF:<40 bytes>"; nothing when the line is neither.
  [[nodiscard]] static std::optional<DumpFrame> Parse(std::string_view line);
};

/// The dump of a full sync, on its way into a target. What there is no type for is passed over, or
/// refused: then nothing more is committed, but the dump is read on, so that all of it can be
/// named.
class SyncPayload {
 public:
  SyncPayload(DumpFrame frame, MigrationTarget& target, bool refuse_others);
  SyncPayload(const SyncPayload&) = delete;
  SyncPayload& operator=(const SyncPayload&) = delete;

  /// Takes the next bytes. Returns how many belong to the payload: fewer than given only when it
  /// ends among them.
  ///   errors  kInvalid      damaged
  ///           kUnavailable, kOutOfRange  with contents that cannot be taken
  [[nodiscard]] Result<size_t> Feed(std::string_view bytes);

  /// Whole, and committed.
  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] const RdbImport::Report& report() const { return import_.report(); }
  [[nodiscard]] const DumpFrame& frame() const { return frame_; }
  /// Of the dump, without its mark.
  [[nodiscard]] uint64_t read_bytes() const { return read_; }

 private:
  [[nodiscard]] Result<void> CommitBatch(WriteBatch& batch);
  [[nodiscard]] bool HasOthers() const;
  [[nodiscard]] Result<void> Judge() const;
  [[nodiscard]] Result<void> FeedReader(std::string_view bytes);
  [[nodiscard]] Result<size_t> FeedMark(std::string_view bytes);

  const DumpFrame frame_;
  MigrationTarget& target_;
  const bool refuse_others_;
  RdbImport import_;
  RdbReader reader_;
  uint64_t read_ = 0;
  size_t mark_read_ = 0;
  bool done_ = false;
};

}  // namespace cloakroom
