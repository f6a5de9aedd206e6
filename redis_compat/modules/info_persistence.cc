// INFO persistence, with Redis's names: what it calls rdb is the image here, and aof the log.

#include <algorithm>

#include "redis_compat/command/server_control.h"
#include "redis_compat/modules/info.h"

namespace cloakroom {
namespace {

std::string_view Outcome(bool good) { return good ? "ok" : "err"; }

double Percent(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
}

TimeMs SecondsOf(TimeMs span_ms) { return span_ms < 0 ? -1 : span_ms / 1000; }

/// For how long an image has been under way; -1: none is.
TimeMs SavingSeconds(const CommandContext& ctx, const PersistenceStatus& status) {
  return status.saving ? std::max<TimeMs>(ctx.now - status.save_began_ms, 0) / 1000 : -1;
}

void WriteLoading(CommandContext& ctx, const PersistenceStatus& status, InfoText& info) {
  const TimeMs took_ms = std::max<TimeMs>(ctx.now - status.loading_since_ms, 1);
  const uint64_t left = status.total_bytes - std::min(status.total_bytes, status.loaded_bytes);
  const double per_ms =
      std::max(static_cast<double>(status.loaded_bytes) / static_cast<double>(took_ms), 1.0);
  info.Field("loading_start_time", status.loading_since_ms / 1000);
  info.Field("loading_total_bytes", status.total_bytes);
  info.Field("loading_rdb_used_mem", 0);  // an image does not say how much memory there was
  info.Field("loading_loaded_bytes", status.loaded_bytes);
  info.Decimal("loading_loaded_perc", Percent(status.loaded_bytes, status.total_bytes));
  info.Field("loading_eta_seconds",
             static_cast<int64_t>(static_cast<double>(left) / per_ms / 1000));
}

void WriteImages(CommandContext& ctx, const PersistenceStatus& status, InfoText& info) {
  const bool saving = status.saving || status.saving_backup;
  // No process is forked: this is what an image takes until the disk has it.
  info.Field("current_cow_peak", status.save_memory_peak_bytes);
  info.Field("current_cow_size", status.save_memory_bytes);
  info.Field("current_cow_size_age", 0);
  info.Decimal("current_fork_perc",
               saving ? Percent(status.save_entries, status.save_entries_expected) : 0);
  info.Field("current_save_keys_processed", saving ? status.save_entries : 0);
  info.Field("current_save_keys_total", saving ? status.save_entries_expected : 0);
  info.Field("rdb_changes_since_last_save", status.changes_since_save);
  info.Field("rdb_bgsave_in_progress", status.saving ? 1 : 0);
  info.Field("rdb_last_save_time", status.last_save_ms / 1000);
  info.Field("rdb_last_bgsave_status", Outcome(status.last_save_good));
  info.Field("rdb_last_bgsave_time_sec", SecondsOf(status.last_took_ms));
  info.Field("rdb_current_bgsave_time_sec", SavingSeconds(ctx, status));
  info.Field("rdb_saves", status.saves);
  info.Field("rdb_last_cow_size", status.last_memory_bytes);
  info.Field("rdb_last_load_keys_expired", status.loaded_expired);
  info.Field("rdb_last_load_keys_loaded", status.loaded_entries);
  info.Field("image_bytes", status.image_bytes);
  info.Field("backup_in_progress", status.saving_backup ? 1 : 0);
  info.Field("last_backup_status", Outcome(status.last_backup_good));
  info.Field("last_backup", status.last_backup);
}

void WriteLog(const CommandContext& ctx, const PersistenceStatus& status, InfoText& info) {
  info.Field("aof_enabled", status.log ? 1 : 0);
  info.Field("aof_rewrite_in_progress", status.log && status.saving ? 1 : 0);
  info.Field("aof_rewrite_scheduled", status.save_scheduled ? 1 : 0);
  info.Field("aof_last_rewrite_time_sec", SecondsOf(status.last_took_ms));
  info.Field("aof_current_rewrite_time_sec", status.log ? SavingSeconds(ctx, status) : -1);
  info.Field("aof_last_bgrewrite_status", Outcome(status.last_save_good));
  info.Field("aof_rewrites", status.saves);
  info.Field("aof_rewrites_consecutive_failures", status.failed_in_a_row);
  info.Field("aof_last_write_status", Outcome(!status.log_refuses));
  info.Field("aof_last_cow_size", 0);
  info.Field("module_fork_in_progress", 0);
  info.Field("module_fork_last_cow_size", 0);
  if (!status.log) return;
  info.Field("aof_current_size", status.log_bytes);
  info.Field("aof_base_size", status.image_bytes);
  info.Field("aof_pending_rewrite", 0);
  info.Field("aof_buffer_length", status.log_pending_bytes);
  info.Field("aof_pending_bio_fsync", status.log_syncing ? 1 : 0);
  info.Field("aof_delayed_fsync", 0);
  info.Field("log_first_record", status.log_first);
  info.Field("log_segments", status.log_segments);
  info.Field("log_loaded_records", status.loaded_records);
}

}  // namespace

void InfoPersistence(CommandContext& ctx, const Facts& /*facts*/, InfoText& info) {
  const PersistenceStatus status = ctx.server.Persisted();
  info.Section("Persistence");
  info.Field("loading", status.loading ? 1 : 0);
  info.Field("async_loading", 0);
  WriteImages(ctx, status, info);
  WriteLog(ctx, status, info);
  if (status.loading) WriteLoading(ctx, status, info);
}

}  // namespace cloakroom
