#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "redis_compat/command/args.h"
#include "store/base/position.h"
#include "store/base/result.h"
#include "store/image/rdb_import.h"
#include "store/op/write_batch.h"
#include "store/table/keyspace.h"

namespace cloakroom {

/// A command of a primary's stream, and the database that is selected for it. The words hold during
/// the call that it is given to.
struct StreamCommand {
  uint32_t db = 0;
  Args args;
  KeyRef first_key;  // hashed, if Expect did so
};

/// Where a Redis that is followed is copied to. All of it is called within a turn.
class MigrationTarget {
 public:
  virtual ~MigrationTarget() = default;

  /// Whether it takes more now; else it is asked again in a later turn.
  [[nodiscard]] virtual bool Ready() const = 0;

  // A full sync: Begin, Commit ..., then End or Abort.
  /// Where the batches are applied; for RdbImport.
  [[nodiscard]] virtual const Keyspace& keys() const = 0;
  /// Ends every key. Until End the state is not whole, and nobody may see it.
  virtual void BeginFullSync() = 0;
  /// Commits the batch as a record, and clears it.
  virtual void Commit(WriteBatch& batch) = 0;
  /// The state is whole. What of the dump was passed over is in `report`.
  virtual void EndFullSync(const RdbImport::Report& report) = 0;
  /// Ends every key again. `retries`: another full sync follows, so nobody may see that.
  virtual void AbortFullSync(bool retries) = 0;

  // The commands that follow it.
  /// It will be executed soon: a hint. Its database may yet be another one.
  virtual void Expect(StreamCommand& command) { static_cast<void>(command); }
  /// Executes a command that changes something.
  ///   errors  it cannot be executed here, so that to go on would lose data; nothing was changed
  [[nodiscard]] virtual Result<void> Execute(const StreamCommand& command) = 0;
  /// Executes them as one record.
  ///   errors  the same of one of them; then none was executed, unless only to execute it told
  [[nodiscard]] virtual Result<void> ExecuteTransaction(
      std::span<const StreamCommand> commands) = 0;
  /// Hands a message on to those who subscribed to `channel`.
  virtual void Publish(std::string_view channel, std::string_view message) = 0;
};

}  // namespace cloakroom
