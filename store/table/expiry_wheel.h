#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "store/base/function_ref.h"
#include "store/base/position.h"
#include "store/base/random_bits.h"
#include "store/base/time.h"

namespace cloakroom {

/// A short position, 40 bits: enough to find an entry's bucket, and to know the entry nearly
/// always.
///   prefix bits 63..38 (26) | bucket (6) | tag (8)
/// A slot of more than 2,800,000 entries has several segments under one such prefix: then one
/// bucket of each is looked at.
using Arm = uint64_t;

inline constexpr uint32_t kArmPrefixBits = 26;

[[nodiscard]] inline Arm ArmOf(const Position& position) {
  return (position.Prefix() >> (64 - kArmPrefixBits)) << 14 | position.Bucket() << 8 |
         position.Tag();
}
[[nodiscard]] inline uint64_t ArmPrefix(Arm arm) { return (arm >> 14) << (64 - kArmPrefixBits); }
[[nodiscard]] inline uint32_t ArmBucket(Arm arm) { return (arm >> 8) & 63; }
[[nodiscard]] inline uint8_t ArmTag(Arm arm) { return static_cast<uint8_t>(arm); }

/// Arms in time buckets: a hierarchical timing wheel (Varghese and Lauck, 1987).
///
///   level  0: 1 ms   1: 1 s    2: 35 min   3: 50 days   4: 279 years     (powers of two, roughly)
///   wheel  1024      2048      2048        2048         32 buckets
///
/// A bucket is a list of chunks of five-byte arms. It does not know when exactly its arms are due:
/// when the time of a bucket begins, its arms come out of Take, and the owner looks at the entry,
/// ends it or adds the arm again (now in a finer level). So the finest level is exact to the
/// millisecond, and the far ones cost nothing until they come near.
class ExpiryWheel {
 public:
  ExpiryWheel();
  ~ExpiryWheel();
  ExpiryWheel(const ExpiryWheel&) = delete;
  ExpiryWheel& operator=(const ExpiryWheel&) = delete;

  /// Files `arm` under `at`, unix milliseconds in (0, kDeadlineMax]. O(1).
  void Add(Arm arm, TimeMs at);

  /// Takes out up to out.size() arms whose bucket began at or before `now`. Returns how many; 0
  /// when there are none (then later Adds are filed relative to `now`). Bounded by out.size() and
  /// the number of empty buckets, which are skipped 64 at a time.
  size_t Take(TimeMs now, std::span<Arm> out);

  /// No arm comes out of Take before this time; kNoDeadline when there is none. O(1), and exact
  /// to the start of a bucket once Take has returned 0.
  [[nodiscard]] TimeMs NextDue() const { return size_ == 0 ? kNoDeadline : next_due_; }

  /// Takes out some arm: any time bucket is as likely as any other, and in it those that were added
  /// of late. Precondition: size() > 0. O(1).
  [[nodiscard]] Arm TakeAny(DrawBits draw);

  /// Whether Take(now) would take anything now.
  [[nodiscard]] bool HasDue(TimeMs now);

  /// Visits the arms that Take(now) would take, leaving them: O(such arms).
  void ForEachDue(TimeMs now, FunctionRef<void(Arm)> visit) const;

  /// Rebuilding, for when most arms are stale: StartPass, then TakeForCheck until it returns 0. It
  /// takes every arm once that was there at the start; the owner adds those again that are needed.
  void StartPass();
  size_t TakeForCheck(std::span<Arm> out);
  [[nodiscard]] bool InPass() const { return pass_level_ < kLevels || checked_ != nullptr; }

  /// Frees up to `budget` chunks; true when no arm is left.
  bool Clear(size_t budget);

  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] size_t bytes() const { return bytes_; }

 private:
  static constexpr uint32_t kLevels = 5;
  static constexpr std::array<uint32_t, kLevels> kShift = {0, 10, 21, 32, 43};
  static constexpr std::array<uint32_t, kLevels> kBuckets = {1024, 2048, 2048, 2048, 32};
  static constexpr uint32_t kBitWordsMax = 2048 / 64;

  struct Chunk;
  struct Level {
    std::unique_ptr<Chunk*[]> heads;  // made at first use
    std::array<uint64_t, kBitWordsMax> used{};
    TimeMs done = -1;  // all buckets that began by then are empty
  };

  [[nodiscard]] uint64_t Base(uint32_t level) const {
    return static_cast<uint64_t>(levels_[level].done + (TimeMs{1} << kShift[level])) >>
           kShift[level];
  }
  struct Bucket {
    Chunk** head;
    Level* level;  // nullptr: a list beside the levels
    uint32_t number;
  };
  [[nodiscard]] Bucket PickBucket(DrawBits draw);
  void Push(Chunk*& head, Arm arm);
  size_t Pop(Chunk*& head, std::span<Arm> out);
  /// The first bucket in use, as an absolute tick, or kNoTick.
  [[nodiscard]] uint64_t FirstUsed(uint32_t level) const;
  size_t TakeLate(TimeMs now, std::span<Arm> out);
  void FindNextDue();

  static constexpr uint64_t kNoTick = ~uint64_t{0};

  std::array<Level, kLevels> levels_;
  Chunk* late_ = nullptr;        // arms whose time had begun when they were added
  TimeMs late_from_ = 0;         // the earliest of those times
  Chunk* late_taken_ = nullptr;  // those of them that are coming out of Take
  Chunk* checked_ = nullptr;     // a bucket that the pass took off its level
  TimeMs checked_from_ = 0;
  uint32_t pass_level_ = kLevels;
  uint32_t pass_bucket_ = 0;
  TimeMs next_due_ = 0;
  size_t size_ = 0;
  size_t bytes_ = 0;
};

}  // namespace cloakroom
