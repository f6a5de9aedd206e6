#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "redis_compat/server/settings.h"
#include "store/base/function_ref.h"
#include "store/base/time.h"
#include "store/env/network.h"
#include "store/node/shard.h"

namespace cloakroom {

/// Empty strings with memory: an idle connection holds none, a busy one takes the warmest.
class StringPool {
 public:
  [[nodiscard]] std::string Take();
  void Give(std::string text);
  /// O(strings).
  [[nodiscard]] size_t bytes() const {
    size_t sum = 0;
    for (const std::string& text : free_) sum += text.capacity();
    return sum;
  }

 private:
  static constexpr size_t kStringsMax = 256;
  static constexpr size_t kBytesMin = 1024;
  static constexpr size_t kBytesMax = size_t{64} << 10;

  std::vector<std::string> free_;
};

/// A connection's replies on their way out, in order. A reply that depends on a record which has
/// not come far enough is held, and so is everything behind it.
class OutputBuffer {
 public:
  /// Whether a record has reached a level.
  using Reached = FunctionRef<bool(AckLevel level, uint64_t sequence)>;

  /// Replies are appended here. The reference is good until Flush.
  [[nodiscard]] std::string& Writer(StringPool& pool) {
    if (text_.capacity() <= kNoMemory) text_ = pool.Take();
    return text_;
  }

  /// What was appended from `offset` on (a former size()) must wait for `sequence` at `level`.
  void HoldFrom(size_t offset, AckLevel level, uint64_t sequence) {
    if (!holds_.empty() && holds_.back().level == level && holds_.back().sequence >= sequence)
      return;  // it stands behind what waits for that
    holds_.push_back({offset, level, sequence});
  }

  /// Hands the stream what may leave. Returns how many bytes were handed over.
  size_t Flush(Stream& stream, StringPool& pool, Reached reached);

  /// Drops everything.
  void Clear();

  [[nodiscard]] size_t size() const { return text_.size(); }
  [[nodiscard]] bool empty() const { return text_.empty(); }
  [[nodiscard]] size_t held() const { return holds_.size(); }
  [[nodiscard]] size_t memory_bytes() const {
    return text_.capacity() > kNoMemory ? text_.capacity() : 0;
  }

 private:
  struct Hold {
    size_t offset;
    AckLevel level;
    uint64_t sequence;
  };
  static constexpr size_t kNoMemory = 15;  // what a std::string holds in itself

  [[nodiscard]] size_t Releasable(Reached reached);

  std::string text_;
  std::vector<Hold> holds_;
};

/// Watches one client's unsent bytes against its limit.
class OutputWatch {
 public:
  /// Whether the client with `pending_bytes` unsent is over the limit at `now`: above the hard one,
  /// or above the soft one for longer than its time.
  [[nodiscard]] bool Exceeded(const OutputLimit& limit, size_t pending_bytes, TimeMs now);

 private:
  TimeMs soft_since_ms_ = 0;  // 0: below
};

}  // namespace cloakroom
