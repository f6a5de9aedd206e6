#pragma once

#include <cstddef>
#include <cstdint>

namespace cloakroom {

/// What tables hold, as the limit counts it: blocks in use, index and wheel. Free places of slab
/// pages are left out: they are fragmentation, and are given back by compacting.
struct MemoryUse {
  size_t used = 0;
  size_t going = 0;  // of it, what nobody sees any more and is being freed in slices
};

/// The memory limit of a shard, and how far away it is.
///
/// Counted against the limit is all that the process has allocated, but for the free places of slab
/// pages and for what is already going: to end more entries for it would end too many. It has two
/// parts: the tables, which count exactly at every moment, and everything outside them (buffers of
/// clients, dictionaries, the log), of which the process tells from time to time.
///
/// Far from the limit a command costs one subtraction: Fits takes a bold guess of what a batch may
/// need off the headroom, and only when that is used up must somebody measure.
class MemoryBudget {
 public:
  /// 0: no limit. A measurement must follow before the next Fits.
  void set_limit(uint64_t bytes) {
    limit_ = bytes;
    headroom_ = 0;
  }
  [[nodiscard]] uint64_t limit() const { return limit_; }
  [[nodiscard]] bool limited() const { return limit_ != 0; }

  void set_outside(size_t bytes) {
    headroom_ -= static_cast<int64_t>(bytes) - static_cast<int64_t>(outside_);
    outside_ = bytes;
  }
  [[nodiscard]] size_t outside() const { return outside_; }

  /// Tells what the tables hold now.
  void Measured(const MemoryUse& use) {
    use_ = use;
    constexpr uint64_t kFar = uint64_t{1} << 62;  // no limit, or one that nothing can reach
    headroom_ = static_cast<int64_t>(limit_ == 0 || limit_ > kFar ? kFar : limit_) -
                static_cast<int64_t>(Counted() + promised_);
  }

  /// From the next measurement on, so much of the room is kept for a large command that waits for
  /// it: else smaller ones would take it away as fast as it is made.
  void set_promised(size_t bytes) { promised_ = bytes; }
  [[nodiscard]] size_t promised() const { return promised_; }
  /// As of the last measurement.
  [[nodiscard]] size_t Used() const { return use_.used + outside_; }
  [[nodiscard]] size_t Counted() const { return Used() - use_.going; }
  [[nodiscard]] bool IsOver() const { return headroom_ < 0; }
  /// Whether `bytes` more than measured stay within the limit, or beyond it by at most `slack`.
  [[nodiscard]] bool HasRoomFor(size_t bytes, size_t slack = 0) const {
    const int64_t room = headroom_ + static_cast<int64_t>(slack);
    return room >= 0 && bytes <= static_cast<uint64_t>(room);
  }

  /// Whether a batch whose ops have `batch_bytes` is sure to fit. No: measure, and look closer.
  [[nodiscard]] bool Fits(size_t batch_bytes) {
    const auto guess = static_cast<int64_t>(batch_bytes * kGrowthMax + kGrowthFixed);
    if (guess > headroom_) return false;
    headroom_ -= guess;
    return true;
  }

 private:
  // A byte of ops becomes at most so many: a member of one byte is two bytes of a record, and an
  // entry of a table of its own with its place in the index.
  static constexpr size_t kGrowthMax = 32;
  // A packed collection that becomes a table, a segment that splits.
  static constexpr size_t kGrowthFixed = 64 << 10;

  uint64_t limit_ = 0;
  size_t outside_ = 0;
  size_t promised_ = 0;
  MemoryUse use_;
  int64_t headroom_ = 0;
};

}  // namespace cloakroom
