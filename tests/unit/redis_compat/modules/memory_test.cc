// MEMORY, and what INFO and OBJECT say of it.

#include <gtest/gtest.h>

#include <string>

#include "redis_compat/modules/all_modules.h"
#include "redis_compat/modules/memory_doctor.h"
#include "tests/support/harness.h"

namespace cloakroom {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

class MemoryTest : public testing::Test {
 protected:
  MemoryTest() {
    // A process with nothing amiss.
    MemoryMetrics& memory = h.server.memory;
    memory.used = 100 * kMiB;
    memory.peak = 101 * kMiB;
    memory.startup = kMiB;
    memory.allocator_allocated = 101 * kMiB;
    memory.allocator_active = 103 * kMiB;
    memory.allocator_resident = 104 * kMiB;
    memory.resident = 106 * kMiB;
    memory.system = 8192 * kMiB;
  }
  void Policy(EvictionPolicy policy) {
    Shard::MemoryOptions options;
    options.eviction.policy = policy;
    options.access.counts_uses = policy == EvictionPolicy::kAllKeysLfu;
    h.shard.SetMemoryOptions(options);
  }
  [[nodiscard]] bool Diagnosed(std::string_view word) {
    return h.Run("MEMORY", "DOCTOR").find(word) != std::string::npos;
  }

  Harness h{{RegisterStrings, RegisterHashes, RegisterKeys, RegisterObject, RegisterMemory,
             RegisterServer, RegisterSession}};
};

// INFO has the same figure.
TEST_F(MemoryTest, StatsTellsWhatTheLogHoldsBack) {
  h.server.persisted.log_buffer_bytes = 4321;
  EXPECT_NE(h.Run("MEMORY", "STATS").find("$10\r\naof.buffer\r\n:4321\r\n"), std::string::npos);
  EXPECT_NE(h.Run("INFO", "memory").find("mem_aof_buffer:4321\r\n"), std::string::npos);
}

TEST_F(MemoryTest, StatsHasRedisNamesAndOurs) {
  h.Run("SET", "k", "v");
  h.UseProtocol(3);
  const std::string stats = h.Run("MEMORY", "STATS");
  EXPECT_EQ(stats[0], '%');
  for (const char* name : {"peak.allocated",
                           "total.allocated",
                           "startup.allocated",
                           "replication.backlog",
                           "clients.slaves",
                           "clients.normal",
                           "cluster.links",
                           "aof.buffer",
                           "lua.caches",
                           "functions.caches",
                           "db.0",
                           "overhead.hashtable.main",
                           "overhead.hashtable.expires",
                           "overhead.total",
                           "keys.count",
                           "keys.bytes-per-key",
                           "dataset.bytes",
                           "dataset.percentage",
                           "peak.percentage",
                           "allocator.allocated",
                           "allocator.active",
                           "allocator.resident",
                           "allocator-fragmentation.ratio",
                           "allocator-fragmentation.bytes",
                           "allocator-rss.ratio",
                           "allocator-rss.bytes",
                           "rss-overhead.ratio",
                           "rss-overhead.bytes",
                           "fragmentation",
                           "fragmentation.bytes",
                           "table.slabs.fill",
                           "table.expiry-wheel",
                           "sessions.user-index"})
    EXPECT_NE(stats.find("\r\n" + std::string(name) + "\r\n"), std::string::npos) << name;
  EXPECT_EQ(h.Run("MEMORY", "STATS", "x"),
            "-ERR wrong number of arguments for 'memory|stats' command\r\n");
}

TEST_F(MemoryTest, InfoHasRedisNames) {
  const std::string info = h.Run("INFO", "memory");
  for (const char* name : {"used_memory",
                           "used_memory_human",
                           "used_memory_rss",
                           "used_memory_peak",
                           "used_memory_peak_perc",
                           "used_memory_overhead",
                           "used_memory_startup",
                           "used_memory_dataset",
                           "used_memory_dataset_perc",
                           "allocator_allocated",
                           "allocator_active",
                           "allocator_resident",
                           "total_system_memory",
                           "maxmemory",
                           "maxmemory_human",
                           "maxmemory_policy",
                           "allocator_frag_ratio",
                           "allocator_frag_bytes",
                           "allocator_rss_ratio",
                           "allocator_rss_bytes",
                           "rss_overhead_ratio",
                           "rss_overhead_bytes",
                           "mem_fragmentation_ratio",
                           "mem_fragmentation_bytes",
                           "mem_not_counted_for_evict",
                           "mem_clients_normal",
                           "lazyfree_pending_objects",
                           "lazyfreed_objects",
                           "mem_slabs_fill",
                           "mem_expiry_wheel",
                           "mem_user_index",
                           "cgroup_memory_limit"})
    EXPECT_NE(info.find("\r\n" + std::string(name) + ":"), std::string::npos) << name;
  EXPECT_NE(info.find("mem_fragmentation_ratio:1.06\r\n"), std::string::npos);
}

TEST_F(MemoryTest, PurgeAndReport) {
  EXPECT_EQ(h.Run("MEMORY", "PURGE"), "+OK\r\n");
  EXPECT_EQ(h.server.purges, 1);
  EXPECT_EQ(h.Run("MEMORY", "MALLOC-STATS"), "$11\r\nall is well\r\n");
  EXPECT_EQ(h.Run("MEMORY", "NONSENSE"),
            "-ERR unknown subcommand 'NONSENSE'. Try MEMORY HELP.\r\n");
}

TEST_F(MemoryTest, TheDoctorFindsNothingWhereNothingIsWrong) {
  EXPECT_TRUE(Diagnosed("Nothing seems wrong"));
  h.server.memory.used = kMiB;
  EXPECT_TRUE(Diagnosed("too little to judge"));
}

TEST_F(MemoryTest, TheDoctorTellsEachTrouble) {
  MemoryMetrics& memory = h.server.memory;
  const MemoryMetrics well = memory;
  memory.peak = 200 * kMiB;
  EXPECT_TRUE(Diagnosed("* Peak: 200.00M were in use once"));
  memory = well;
  memory.allocator_active = 150 * kMiB;
  memory.allocator_resident = 151 * kMiB;
  memory.resident = 152 * kMiB;
  EXPECT_TRUE(Diagnosed("* Allocator fragmentation: 150.00M"));
  EXPECT_FALSE(Diagnosed("* Free pages"));
  memory = well;
  memory.allocator_resident = 200 * kMiB;
  memory.resident = 202 * kMiB;
  EXPECT_TRUE(Diagnosed("* Free pages: the allocator holds 200.00M"));
  memory = well;
  memory.resident = 300 * kMiB;
  EXPECT_TRUE(Diagnosed("* Process overhead: 300.00M"));
  memory = well;
  memory.clients = 50 * kMiB;
  h.server.counted.connected_clients = 10;
  EXPECT_TRUE(Diagnosed("* Client buffers: 10 clients hold 50.00M"));
  memory = well;
  memory.cgroup_limit = 512 * kMiB;
  EXPECT_TRUE(Diagnosed("* Control group: the kernel ends the process at 512.00M"));
  EXPECT_TRUE(Diagnosed("maxmemory is not set"));
}

// The keyspace's own findings need figures, not gigabytes.
TEST_F(MemoryTest, TheDoctorLooksAtTheTablesToo) {
  MemoryFigures figures;
  figures.process = h.server.memory;
  figures.databases.slab_bytes = 100 * kMiB;
  figures.databases.block_bytes = 50 * kMiB;
  EXPECT_NE(DiagnoseMemory(figures, {}).find("* Sparse slabs: 100.00M"), std::string::npos);
  figures.databases.block_bytes = 95 * kMiB;
  EXPECT_EQ(DiagnoseMemory(figures, {}), "Nothing seems wrong with memory.\n");
  figures.limit = 105 * kMiB;
  EXPECT_NE(DiagnoseMemory(figures, {}).find("* Near the limit: 100.00M of maxmemory's 105.00M"),
            std::string::npos);
  figures.limit = 99 * kMiB;
  EXPECT_NE(DiagnoseMemory(figures, {})
                .find("* Over the limit: 100.00M are in use, and maxmemory "
                      "is 99.00M"),
            std::string::npos);
  figures.limit = 200 * kMiB;
  figures.tombstones = 20 * kMiB;
  EXPECT_EQ(DiagnoseMemory(figures, {}), "Nothing seems wrong with memory.\n");
  figures.tombstones = 21 * kMiB;
  EXPECT_NE(DiagnoseMemory(figures, {}).find("* Tombstones: 21.00M"), std::string::npos);
  figures.tombstones = 0;
  figures.limit = 0;
  figures.going = 20 * kMiB;
  EXPECT_NE(DiagnoseMemory(figures, {}).find("* Freeing: 20.00M"), std::string::npos);
}

TEST_F(MemoryTest, TheClockAnswersByThePolicy) {
  h.Run("SET", "k", "v");
  h.clock.Advance(7000);
  EXPECT_EQ(h.Run("OBJECT", "IDLETIME", "k"), ":7\r\n");
  EXPECT_EQ(h.Run("OBJECT", "FREQ", "k"),
            "-ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please "
            "note that when switching between policies at runtime LRU and LFU data will take some "
            "time to adjust.\r\n");
  EXPECT_EQ(h.Run("OBJECT", "FREQ", "none"), "$-1\r\n");
  Policy(EvictionPolicy::kAllKeysLfu);
  EXPECT_EQ(h.Run("OBJECT", "IDLETIME", "k"),
            "-ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that "
            "when switching between policies at runtime LRU and LFU data will take some time to "
            "adjust.\r\n");
  EXPECT_EQ(h.Run("OBJECT", "IDLETIME", "none"), "$-1\r\n");
}

// Each command that reads or writes is one use; the first is sure to count. To look is none.
TEST_F(MemoryTest, UsesAreCountedOnce) {
  Policy(EvictionPolicy::kAllKeysLfu);
  h.Run("SET", "k", "1");
  EXPECT_EQ(h.Run("OBJECT", "FREQ", "k"), ":5\r\n");
  h.Run("TTL", "k");
  h.Run("OBJECT", "ENCODING", "k");
  EXPECT_EQ(h.Run("OBJECT", "FREQ", "k"), ":5\r\n");
  h.Run("SET", "k", "2");
  EXPECT_EQ(h.Run("OBJECT", "FREQ", "k"), ":6\r\n");
  h.Run("SET", "r", "1");
  h.Run("GET", "r");
  EXPECT_EQ(h.Run("OBJECT", "FREQ", "r"), ":6\r\n");
  h.Run("SET", "t", "1");
  h.Run("TOUCH", "t");
  EXPECT_EQ(h.Run("OBJECT", "FREQ", "t"), ":6\r\n");
  h.Run("MSET", "m", "1");
  h.Run("MSET", "m", "2");
  EXPECT_EQ(h.Run("OBJECT", "FREQ", "m"), ":6\r\n");
  h.Run("SETEX", "e", "100", "1");
  h.Run("SETEX", "e", "100", "2");
  EXPECT_EQ(h.Run("OBJECT", "FREQ", "e"), ":6\r\n");
  h.client().no_touch = true;
  h.Run("SET", "n", "1");
  h.Run("GET", "n");
  EXPECT_EQ(h.Run("OBJECT", "FREQ", "n"), ":5\r\n");
}

}  // namespace
}  // namespace cloakroom
