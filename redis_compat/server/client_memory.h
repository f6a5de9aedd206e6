#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "redis_compat/server/connection.h"
#include "redis_compat/server/settings.h"

namespace cloakroom {

/// What the connections hold in memory, each and together, and which of them hold most: for
/// maxmemory-clients. Connections stand in buckets by the power of two of their size, so to note a
/// change is O(1), and the largest is found without looking at the small ones.
class ClientMemory {
 public:
  /// Of every connection, however idle: the objects that it is made of.
  static constexpr size_t kConnectionBytes = 1024;

  /// Notes what `connection` holds now. O(1), and next to nothing when that has not changed.
  void Count(Connection& connection) {
    const ClientState& client = connection.client;
    const size_t bytes = kConnectionBytes + connection.input().kept_bytes() +
                         connection.counted_output + client.queued_memory_bytes +
                         client.watched_memory_bytes + client.subscription_memory_bytes;
    const bool evictable = connection.memory.bucket != Connection::Memory::kNoBucket;
    if (bytes != connection.memory.bytes || evictable == client.no_evict) [[unlikely]]
      Recount(connection, bytes);
  }
  /// It goes.
  void Forget(Connection& connection);

  /// Of all of them.
  [[nodiscard]] size_t bytes() const { return bytes_; }

  /// What maxmemory-clients allows them together; 0: it sets no limit.
  [[nodiscard]] static size_t LimitOf(const Settings& settings);

  /// One of the largest of those that may be evicted, or nullptr when there is none.
  [[nodiscard]] Connection* Largest() const;

 private:
  // The first holds those up to 32 KiB, the last those above 4 GiB.
  static constexpr size_t kBuckets = 19;
  static constexpr unsigned kFirstBits = 15;
  static constexpr size_t kLooksMax = 64;

  void Recount(Connection& connection, size_t bytes);
  void Leave(Connection& connection);

  std::array<std::vector<Connection*>, kBuckets> buckets_;
  size_t bytes_ = 0;
};

}  // namespace cloakroom
