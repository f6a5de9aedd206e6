#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "redis_compat/command/client_state.h"
#include "redis_compat/command/dispatcher.h"
#include "redis_compat/migrate/absolute_expiry.h"
#include "redis_compat/migrate/migration_target.h"
#include "redis_compat/migrate/other_commands.h"

namespace cloakroom {

/// A shard as the copy of a Redis: its keys are the Redis's, its sessions stay as they are. While
/// it exists the shard's time is held: what ends, the Redis says.
class ShardTarget final : public MigrationTarget {
 public:
  struct Options {
    bool refuse_others = true;  // what there is no type for; else it is passed over
  };
  ShardTarget(Shard& shard, Dispatcher& dispatcher, const Options& options);
  ~ShardTarget() override;
  ShardTarget(const ShardTarget&) = delete;
  ShardTarget& operator=(const ShardTarget&) = delete;

  /// Who is told of messages; at first nobody.
  void OnPublish(std::function<void(std::string_view channel, std::string_view message)> told) {
    published_ = std::move(told);
  }

  /// What was passed over since the last full sync began.
  struct PassedOver {
    uint64_t keys = 0;         // of the dump
    std::string description;   // the first of them, by type
    uint64_t hash_fields = 0;  // with a deadline of their own, of the dump
    uint64_t commands = 0;
    std::map<std::string, uint64_t, std::less<>> by_name;  // commands, at most kNamesMax names
  };
  [[nodiscard]] const PassedOver& passed_over() const { return passed_; }

  // MigrationTarget
  [[nodiscard]] bool Ready() const override;
  [[nodiscard]] const Keyspace& keys() const override;
  void BeginFullSync() override;
  void Commit(WriteBatch& batch) override;
  void EndFullSync(const RdbImport::Report& report) override;
  void AbortFullSync(bool retries) override;
  void Expect(StreamCommand& command) override;
  [[nodiscard]] Result<void> Execute(const StreamCommand& command) override;
  [[nodiscard]] Result<void> ExecuteTransaction(std::span<const StreamCommand> commands) override;
  void Publish(std::string_view channel, std::string_view message) override;

 private:
  static constexpr size_t kNamesMax = 64;

  [[nodiscard]] const Command* Resolve(Args args) const;
  [[nodiscard]] Result<void> Admit(const StreamCommand& command) const;
  [[nodiscard]] Result<void> Change(const StreamCommand& command, const Command& found);
  [[nodiscard]] Result<void> TakeOther(const StreamCommand& command);
  [[nodiscard]] bool LacksSource(const StreamCommand& command);
  void EndAllKeys();
  void EndKey(uint32_t db, std::string_view key);
  void EndFields(const StreamCommand& command);
  void CountPassedOver(Args args);

  Shard& shard_;
  Dispatcher& dispatcher_;
  const Options options_;
  const Command* const flush_all_;
  ClientState client_;
  AbsoluteExpiry absolute_;
  WriteBatch batch_;
  PassedOver passed_;
  std::function<void(std::string_view channel, std::string_view message)> published_;
};

}  // namespace cloakroom
