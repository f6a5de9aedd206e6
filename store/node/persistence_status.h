#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "store/base/time.h"

namespace cloakroom {

/// How far the start, the images and the log have come: what INFO persistence tells.
struct PersistenceStatus {
  // The start.
  bool loading = false;
  TimeMs loading_since_ms = 0;
  uint64_t loaded_bytes = 0;
  uint64_t total_bytes = 0;
  uint64_t loaded_entries = 0;  // of the image, or of the dump file that was imported
  uint64_t loaded_expired = 0;  // beside those: they had ended before the start
  uint64_t loaded_records = 0;

  // Images.
  bool saving = false;
  bool saving_backup = false;
  bool save_scheduled = false;  // an image follows the one that is under way
  TimeMs save_began_ms = 0;
  uint64_t save_entries = 0;
  uint64_t save_entries_expected = 0;
  uint64_t save_memory_bytes = 0;       // of the image under way
  uint64_t save_memory_peak_bytes = 0;  // its most
  uint64_t last_memory_bytes = 0;       // the most of the last image or backup
  TimeMs last_save_ms = 0;              // when the newest good image was safe, or the process began
  uint64_t last_save_sequence = 0;      // of the newest good image of this process
  TimeMs last_took_ms = -1;             // of the last image; -1: there was none
  bool last_save_good = true;
  uint64_t failed_in_a_row = 0;  // images, up to the last
  uint64_t saves = 0;
  uint64_t changes_since_save = 0;
  uint64_t image_bytes = 0;  // of the newest
  bool last_backup_good = true;
  std::string last_backup;  // its path; empty: there was none

  // The log.
  bool log = false;
  uint64_t log_bytes = 0;
  uint64_t log_pending_bytes = 0;
  uint64_t log_buffer_bytes = 0;  // memory of what waits for the disk
  bool log_syncing = false;
  bool log_refuses = false;
  uint64_t log_first = 0;
  size_t log_segments = 0;
};

}  // namespace cloakroom
