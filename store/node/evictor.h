#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "store/base/function_ref.h"
#include "store/base/time.h"
#include "store/env/clock.h"
#include "store/op/write_batch.h"
#include "store/table/keyspace.h"
#include "store/table/memory_budget.h"
#include "store/table/session_value.h"

namespace cloakroom {

/// What goes when memory is short. The order is that of maxmemory-policy's choices.
enum class EvictionPolicy : uint8_t {
  kVolatileLru,     // the longest unused of the keys with a deadline
  kVolatileLfu,     // the least often used of them
  kVolatileRandom,  // any of them
  kVolatileTtl,     // the one with the nearest deadline
  kAllKeysLru,
  kAllKeysLfu,
  kAllKeysRandom,
  kNone,                    // nothing: writes are refused
  kSessionsAnonymousFirst,  // the longest unused session without a user; the only one to end any
};

/// Ends entries until memory fits its limit. The primary alone does so, and logs each end as a
/// record of its own; a replica applies it as any other delete.
///
/// The best of a few random samples goes, and what is nearly as good is remembered for the next
/// time in a small pool (the way in which Redis comes close to exact LRU).
class Evictor {
 public:
  struct Options {
    EvictionPolicy policy = EvictionPolicy::kNone;
    uint32_t samples = 5;    // of each database, for one end
    uint32_t tenacity = 10;  // 0 to 100: how long a turn may take for it; 10: 500 us
  };
  using Commit = FunctionRef<void(WriteBatch& batch)>;
  /// Whether the log takes another end: one that it cannot take must not be made.
  using MayLog = FunctionRef<bool()>;

  Evictor(Keyspace& keys, MemoryBudget& budget, Clock& clock, uint64_t seed);

  void set_options(const Options& options);
  [[nodiscard]] const Options& options() const { return options_; }

  /// A new turn has its own time.
  void BeginTurn() { spent_us_ = 0; }

  enum class Made {
    kAll,      // `bytes` more fit
    kEnough,   // the turn's time is up, but as much was freed: the rest is for later turns
    kPart,     // the turn's time is up, and not even as much was freed
    kNothing,  // there is nothing left that the policy would end, or nothing may be logged
  };
  /// Ends entries until `bytes` more fit, or the turn's time is up.
  [[nodiscard]] Made MakeRoom(size_t bytes, TimeMs now, MayLog may_log, Commit commit);

  /// Memory is over its limit, and the last attempt has found nothing to end.
  [[nodiscard]] bool IsStuck() const {
    return budget_.limited() && budget_.IsOver() &&
           (options_.policy == EvictionPolicy::kNone || stuck_);
  }

  struct Counters {
    uint64_t evicted_keys = 0;
    int64_t exceeded_us = 0;  // time spent over the limit, up to the last end of it
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }
  /// For how long memory has been over its limit now; 0: it is not.
  [[nodiscard]] int64_t ExceededUs() const;
  void ResetCounters();

 private:
  /// Something that may be ended: the higher the score, the sooner.
  struct Candidate {
    uint64_t score = 0;
    uint32_t db = 0;
    std::string key;
  };
  static constexpr size_t kPoolMax = 16;

  [[nodiscard]] int64_t TurnUs() const;
  [[nodiscard]] bool EvictOne(TimeMs now, Commit commit);
  [[nodiscard]] bool EvictBest(TimeMs now, Commit commit);
  [[nodiscard]] bool EvictAny(TimeMs now, Commit commit);
  [[nodiscard]] bool EvictSession(TimeMs now, Commit commit);
  /// For how long an evicted session's token is remembered.
  [[nodiscard]] TimeMs TombstoneMs(const SessionView& session) const;
  void End(uint32_t db, const KeyRef& key, TimeMs now, Commit commit);
  void Consider(uint64_t score, uint32_t db, std::string_view key);
  void FillPool(TimeMs now);
  [[nodiscard]] uint64_t Score(const Entry& entry, TimeMs now) const;
  [[nodiscard]] bool NeedsDeadline() const;
  void NoteExceeded(bool over);
  uint64_t Draw();

  Keyspace& keys_;
  MemoryBudget& budget_;
  Clock& clock_;
  Options options_;
  uint64_t random_;
  std::vector<Candidate> pool_;  // ascending by score
  WriteBatch batch_;
  uint32_t next_db_ = 0;  // EvictAny takes the databases in turns
  /// The search for sessions without a user, where they are few.
  struct Walk {
    uint64_t cursor = 0;
    size_t steps = 0;    // since it went on for candidates; 0: there are enough
    bool found = false;  // any, since it began anew at 0
  };
  Walk walk_;
  int64_t spent_us_ = 0;  // of the turn
  int64_t exceeded_since_us_ = -1;
  bool stuck_ = false;
  Counters counters_;
};

}  // namespace cloakroom
