#include "store/node/evictor.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "store/base/check.h"
#include "store/op/session_op.h"
#include "store/table/event_observer.h"
#include "store/table/session_space.h"

namespace cloakroom {
namespace {

constexpr uint32_t kClockEach = 16;  // ends between two looks at the clock
constexpr size_t kDrainEach = 64;    // entries freed of what was set aside, for each that is ended
constexpr int kBarrenDrawsMax = 64;  // rounds of samples without anything that may go
constexpr uint32_t kNoDatabase = std::numeric_limits<uint32_t>::max();  // of sessions
constexpr size_t kWalkStepsEach = 64;  // buckets, between two looks at the clock
constexpr size_t kWalkStepsMin = 256;  // for a full pool, unless the walk ends before

}  // namespace

Evictor::Evictor(Keyspace& keys, MemoryBudget& budget, Clock& clock, uint64_t seed)
    : keys_(keys), budget_(budget), clock_(clock), random_(seed) {}

void Evictor::set_options(const Options& options) {
  // Scores of one policy mean nothing to another.
  if (options.policy != options_.policy) pool_.clear();
  options_ = options;
  stuck_ = false;
}

// SplitMix64: what goes must be hard to foresee only by accident.
uint64_t Evictor::Draw() {
  uint64_t z = random_ += 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

// Redis's scale: up to 10 each step is 50 us, then 15 % more, and 100 is no limit at all.
int64_t Evictor::TurnUs() const {
  constexpr double kStepUs = 50;
  const double tenacity = options_.tenacity;
  if (options_.tenacity >= 100) return std::numeric_limits<int64_t>::max();
  if (options_.tenacity <= 10) return static_cast<int64_t>(kStepUs * tenacity);
  return static_cast<int64_t>(kStepUs * 10 * std::pow(1.15, tenacity - 10));
}

Evictor::Made Evictor::MakeRoom(size_t bytes, TimeMs now, MayLog may_log, Commit commit) {
  budget_.Measured(keys_.Use());
  const size_t before = budget_.Counted();
  const bool may_end = options_.policy != EvictionPolicy::kNone;
  // A search for sessions may take long for one end.
  const bool walks = options_.policy == EvictionPolicy::kSessionsAnonymousFirst;
  const uint32_t clock_each = walks ? 1 : kClockEach;
  bool kept_from = false;  // there may be something to end, but not now
  Made made = Made::kAll;
  int64_t began_us = -1;
  for (uint32_t ended = 0; !budget_.HasRoomFor(bytes); ++ended) {
    if (began_us < 0) began_us = clock_.MonotonicUs();
    // Whoever needs memory helps to free what waits, or writers could outrun the sweep.
    keys_.DrainDetached(kDrainEach);
    if (ended % clock_each == clock_each - 1 &&
        spent_us_ + (clock_.MonotonicUs() - began_us) >= TurnUs()) {
      const size_t freed = before - std::min(before, budget_.Counted());
      made = freed >= bytes ? Made::kEnough : Made::kPart;
      break;
    }
    kept_from = may_end && !may_log();
    if (!may_end || kept_from || !EvictOne(now, commit)) {
      if (budget_.promised() == 0) {
        made = Made::kNothing;
        break;
      }
      budget_.set_promised(0);  // in vain: who waits for it will be told
    }
    budget_.Measured(keys_.Use());
  }
  if (began_us >= 0) spent_us_ += clock_.MonotonicUs() - began_us;
  stuck_ = made == Made::kNothing && !kept_from;
  NoteExceeded(budget_.IsOver());
  return made;
}

bool Evictor::EvictOne(TimeMs now, Commit commit) {
  switch (options_.policy) {
    case EvictionPolicy::kNone:
      return false;
    case EvictionPolicy::kAllKeysRandom:
    case EvictionPolicy::kVolatileRandom:
      return EvictAny(now, commit);
    case EvictionPolicy::kSessionsAnonymousFirst:
      return EvictSession(now, commit);
    default:
      return EvictBest(now, commit);
  }
}

bool Evictor::NeedsDeadline() const { return options_.policy <= EvictionPolicy::kVolatileTtl; }

uint64_t Evictor::Score(const Entry& entry, TimeMs now) const {
  if (!entry.LiveAt(now)) return std::numeric_limits<uint64_t>::max();
  switch (options_.policy) {
    case EvictionPolicy::kVolatileLru:
    case EvictionPolicy::kAllKeysLru:
      return AccessClock::IdleSeconds(entry, now);
    case EvictionPolicy::kVolatileLfu:
    case EvictionPolicy::kAllKeysLfu:
      return AccessClock::kCounterMax - keys_.access_clock().Frequency(entry, now);
    default:
      return static_cast<uint64_t>(kDeadlineMax - entry.deadline());
  }
}

/// Takes a candidate into the pool, if it is better than the worst there, or there is room.
void Evictor::Consider(uint64_t score, uint32_t db, std::string_view key) {
  const auto at = std::lower_bound(
      pool_.begin(), pool_.end(), score,
      [](const Candidate& candidate, uint64_t wanted) { return candidate.score < wanted; });
  if (pool_.size() == kPoolMax && at == pool_.begin()) return;
  if (std::any_of(pool_.begin(), pool_.end(), [&](const Candidate& candidate) {
        return candidate.db == db && candidate.key == key;
      }))
    return;
  const auto place = at - pool_.begin();
  if (pool_.size() < kPoolMax) {
    pool_.insert(pool_.begin() + place, Candidate{score, db, std::string(key)});
    return;
  }
  // The worst makes room; its string's memory is used again.
  std::rotate(pool_.begin(), pool_.begin() + 1, pool_.begin() + place);
  Candidate& candidate = pool_[static_cast<size_t>(place - 1)];
  candidate.score = score;
  candidate.db = db;
  candidate.key.assign(key);
}

void Evictor::FillPool(TimeMs now) {
  const auto draw = [this] { return Draw(); };
  keys_.ForEachDatabase([&](uint32_t db) {
    for (uint32_t i = 0; i < options_.samples; ++i) {
      const Entry* const entry = keys_.Sample(db, NeedsDeadline(), draw);
      if (entry == nullptr) return;
      Consider(Score(*entry, now), db, entry->key());
    }
  });
}

bool Evictor::EvictBest(TimeMs now, Commit commit) {
  for (int round = 0; round < kBarrenDrawsMax; ++round) {
    FillPool(now);
    if (pool_.empty()) return false;
    while (!pool_.empty()) {
      const Candidate best = std::move(pool_.back());
      pool_.pop_back();
      // It may be gone, or have lost its deadline, or have been used since it was drawn.
      const KeyRef key = keys_.Ref(best.key);
      const Entry* const entry = keys_.FindStored(best.db, key);
      if (entry == nullptr || (NeedsDeadline() && entry->deadline() == kNoDeadline)) continue;
      if (Score(*entry, now) < best.score) continue;
      End(best.db, key, now, commit);
      return true;
    }
  }
  return false;
}

bool Evictor::EvictAny(TimeMs now, Commit commit) {
  const auto draw = [this] { return Draw(); };
  for (uint32_t tried = 0; tried < keys_.databases(); ++tried) {
    const uint32_t db = next_db_++ % keys_.databases();
    if (keys_.Size(db) == 0) continue;
    const Entry* const entry = keys_.Sample(db, NeedsDeadline(), draw);
    if (entry == nullptr) continue;
    const std::string key(entry->key());  // the entry goes before its name is logged
    End(db, keys_.Ref(key), now, commit);
    return true;
  }
  return false;
}

void Evictor::End(uint32_t db, const KeyRef& key, TimeMs now, Commit commit) {
  const Entry* const entry = keys_.FindStored(db, key);
  // What is past its deadline counts as expired, when the delete meets it.
  const bool live = entry->LiveAt(now);
  if (live) ++counters_.evicted_keys;
  batch_.Delete(db, key);
  commit(batch_);
  EventObserver* const observer = keys_.event_observer();
  if (live && observer != nullptr) observer->KeyEvicted(db, key.bytes);
}

// Where many sessions have no user, a few are drawn for each that goes, as of keys. Where few have
// none, they are looked for by a walk over all: a small space is seen whole before one goes.
bool Evictor::EvictSession(TimeMs now, Commit commit) {
  const auto draw = [this] { return Draw(); };
  const SessionSpace& sessions = keys_.sessions();
  const size_t stored = sessions.StoredAnonymous();
  if (stored == 0) return false;
  const auto consider = [&](const Entry& entry, TimeMs used) {
    walk_.found = true;
    Consider(static_cast<uint64_t>(kDeadlineMax - used), kNoDatabase, entry.key());
  };
  const size_t wanted = std::min<size_t>({options_.samples, kPoolMax, stored});
  if (sessions.DrawAnonymous(now, options_.samples, draw, consider)) {
    walk_.steps = 0;
  } else if (walk_.steps > 0 || pool_.size() < wanted) {
    walk_.steps += sessions.WalkAnonymous(now, kWalkStepsEach, walk_.cursor, consider);
    const bool full = pool_.size() == kPoolMax && walk_.steps >= kWalkStepsMin;
    if (walk_.cursor != 0 && !full) return true;  // the search goes on where it has come
    walk_.steps = 0;
    if (walk_.cursor == 0 && !std::exchange(walk_.found, false) && pool_.empty())
      return false;  // what is counted is dead, and waits for the sweep
  }
  while (!pool_.empty()) {
    const TimeMs used_then = kDeadlineMax - static_cast<TimeMs>(pool_.back().score);
    const SessionKey key = SessionKey::FromBytes(pool_.back().key);
    pool_.pop_back();
    const SessionSpace::Found found = sessions.Find(key, now);
    // It may have ended, got a user, a new token, or been used since it was found.
    if (found.state != SessionSpace::TokenState::kLive || found.old_token ||
        !found.view.anonymous() ||
        SessionSpace::LastUse(*found.entry, found.view, now) != used_then)
      continue;
    Add(batch_, SessionEndOp{key, SessionEnd::kEvicted, now + TombstoneMs(found.view)});
    commit(batch_);
    return true;
  }
  return true;  // all were gone: they are looked for anew
}

// A flood of sessions must not fill memory with what it leaves behind. A token that an application
// minted is the likelier to be put again, so it is remembered for longer under pressure than ours.
TimeMs Evictor::TombstoneMs(const SessionView& session) const {
  const SessionSpace& sessions = keys_.sessions();
  const bool foreign = (session.flags & SessionView::kByPut) != 0;
  const size_t bound = budget_.limit() / (foreign ? 8 : 16);
  if (sessions.TombstoneBytes() >= bound) return 0;
  return sessions.PolicyOf(&sessions.NamespaceOf(session)).tombstone_ms;
}

void Evictor::NoteExceeded(bool over) {
  if (over == (exceeded_since_us_ >= 0)) return;
  const int64_t now_us = clock_.MonotonicUs();
  if (!over) counters_.exceeded_us += now_us - exceeded_since_us_;
  exceeded_since_us_ = over ? now_us : -1;
}

int64_t Evictor::ExceededUs() const {
  return exceeded_since_us_ < 0 ? 0 : clock_.MonotonicUs() - exceeded_since_us_;
}

void Evictor::ResetCounters() {
  counters_ = {};
  if (exceeded_since_us_ >= 0) exceeded_since_us_ = clock_.MonotonicUs();
}

}  // namespace cloakroom
