#pragma once

#include <gtest/gtest.h>

#include <string>

#include "store/node/evictor.h"
#include "store/node/shard.h"
#include "tests/support/manual_clock.h"
#include "tests/support/seeded_random.h"

namespace cloakroom {

/// A clock by which each look takes a while, so that work takes time.
class TickingClock final : public Clock {
 public:
  [[nodiscard]] TimeMs WallMs() override { return manual.WallMs(); }
  [[nodiscard]] int64_t MonotonicUs() override { return manual.MonotonicUs() + (ticks_us += tick); }
  [[nodiscard]] int64_t ThreadCpuUs() override { return manual.ThreadCpuUs(); }

  ManualClock manual;
  int64_t tick = 0;
  int64_t ticks_us = 0;
};

class EvictorTest : public testing::Test {
 protected:
  static constexpr int kKeys = 4000;
  static constexpr size_t kValueBytes = 200;

  void Put(const std::string& key, TimeMs ttl_ms = 0, uint32_t db = 0) {
    batch.PutString(db, shard.keys().Ref(key), std::string(kValueBytes, 'v'),
                    ttl_ms == 0 ? kNoDeadline : shard.now() + ttl_ms);
    shard.Commit(batch);
  }
  void Use(const std::string& key, int times = 1, uint32_t db = 0) {
    const Entry* const entry = shard.keys().Find(db, shard.keys().Ref(key), shard.now());
    ASSERT_NE(entry, nullptr);
    for (int i = 0; i < times; ++i) shard.keys().access_clock().Touch(*entry, shard.now(), random);
  }
  [[nodiscard]] bool Has(const std::string& key, uint32_t db = 0) {
    return shard.keys().Find(db, shard.keys().Ref(key), shard.now()) != nullptr;
  }
  void Advance(TimeMs span_ms) {
    clock.manual.Advance(span_ms);
    shard.BeginTurn();
  }
  /// Sets a limit at which so much of what the entries hold now has its place.
  void Limit(EvictionPolicy policy, double part, uint32_t samples = 5) {
    const auto entries = static_cast<double>(shard.keys().memory().block_bytes);
    const auto used = static_cast<double>(shard.Measure().Used());
    options.limit_bytes = static_cast<uint64_t>(used - entries * (1 - part));
    SetPolicy(policy, samples);
  }
  void SetPolicy(EvictionPolicy policy, uint32_t samples = 5) {
    options.eviction = {.policy = policy, .samples = samples, .tenacity = 100};
    options.access.counts_uses =
        policy == EvictionPolicy::kAllKeysLfu || policy == EvictionPolicy::kVolatileLfu;
    shard.SetMemoryOptions(options);
  }
  [[nodiscard]] size_t Count(const std::string& prefix, int from, int to) {
    size_t count = 0;
    for (int i = from; i < to; ++i) count += Has(prefix + std::to_string(i)) ? 1 : 0;
    return count;
  }
  [[nodiscard]] bool WithinLimit() { return shard.Measure().Counted() <= options.limit_bytes; }

  TickingClock clock;
  SeededRandom random{7};
  Shard shard{clock, random, {}};
  WriteBatch batch;
  Shard::MemoryOptions options;
};

}  // namespace cloakroom
