// What Persistence tells of itself.

#include <algorithm>

#include "store/node/persistence.h"

namespace cloakroom {

void Persistence::ResetCounters() {
  status_.saves = 0;
  status_.failed_in_a_row = 0;
}

size_t Persistence::BufferBytes() const {
  return (log_ ? log_->BufferBytes() : 0) +
         (job_ && job_->saver != nullptr ? job_->saver->MemoryBytes() : 0);
}

PersistenceStatus Persistence::status() const {
  PersistenceStatus status = status_;
  status.loading = loading();
  status.saving = job_ && !job_->backup;
  status.saving_backup = job_ && job_->backup;
  status.save_scheduled = scheduled_;
  if (job_) {
    status.save_began_ms = job_->began_ms;
    if (job_->saver != nullptr) {
      status.save_entries = job_->saver->entries();
      status.save_entries_expected = job_->saver->entries_expected();
      status.save_memory_bytes = job_->saver->MemoryBytes();
      status.save_memory_peak_bytes =
          std::max<uint64_t>(job_->memory_peak_bytes, status.save_memory_bytes);
    }
  }
  status.changes_since_save = shard_.changes() - changes_at_save_;
  status.log = log_ != nullptr;
  if (log_) {
    status.log_bytes = log_->writer().bytes();
    status.log_pending_bytes = log_->PendingBytes();
    status.log_buffer_bytes = log_->BufferBytes();
    status.log_syncing = log_->SyncingSinceUs().has_value();
    status.log_refuses = !log_->refusal().empty();
    status.log_first = log_->writer().first();
    status.log_segments = log_->writer().segments();
  }
  return status;
}

}  // namespace cloakroom
