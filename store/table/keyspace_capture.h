#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "store/base/time.h"
#include "store/table/capture_sink.h"
#include "store/table/keyspace.h"

namespace cloakroom {

/// Hands out all that a keyspace holds at one moment, between two records, while it goes on: see
/// TableCapture. To the sink it makes no difference what happens meanwhile, but for the order:
///
/// - Flushed databases and sessions stay in memory until they are handed out.
/// - A large collection is handed out element by element, as its table stood; a large string in
///   parts. A large string that changes while it waits for its turn is copied at once.
/// - What was dead by then is left out. Sessions that had ended are handed out as tombstones.
///
/// One capture a keyspace at a time; the keyspace and the sink must outlive it. While it runs, each
/// first change of a key costs a lookup and about 30 bytes until the end.
class KeyspaceCapture {
 public:
  /// Begins, as of `time`: at or after the newest record's, and after every Sweep's. Cheap: O(names
  /// of databases and namespaces).
  KeyspaceCapture(Keyspace& keys, TimeMs time, CaptureSink& sink);
  /// Gives up when it is not done; nothing of it stays.
  ~KeyspaceCapture();
  KeyspaceCapture(const KeyspaceCapture&) = delete;
  KeyspaceCapture& operator=(const KeyspaceCapture&) = delete;

  /// Hands out about `budget` entries or elements. True: all is handed out.
  [[nodiscard]] bool Step(size_t budget);
  /// How many entries there were at the beginning: those that are left out and spent tokens too.
  [[nodiscard]] size_t expected() const;
  /// About what it takes: positions, and copies of large strings. O(large entries under way).
  [[nodiscard]] size_t memory_bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cloakroom
