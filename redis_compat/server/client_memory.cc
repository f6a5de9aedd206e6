#include "redis_compat/server/client_memory.h"

#include <algorithm>
#include <bit>

namespace cloakroom {

void ClientMemory::Recount(Connection& connection, size_t bytes) {
  connection.client.input_memory_bytes = connection.input().kept_bytes();
  connection.client.queued_counted_bytes = connection.client.queued_memory_bytes;
  Connection::Memory& memory = connection.memory;
  bytes_ += bytes - memory.bytes;
  memory.bytes = bytes;
  const auto bits = static_cast<unsigned>(std::bit_width(bytes - 1));
  const size_t bucket = connection.client.no_evict
                            ? Connection::Memory::kNoBucket
                            : std::min<size_t>(bits - std::min(bits, kFirstBits), kBuckets - 1);
  if (bucket == memory.bucket) return;
  Leave(connection);
  if (bucket == Connection::Memory::kNoBucket) return;
  memory.bucket = static_cast<uint8_t>(bucket);
  memory.index = static_cast<uint32_t>(buckets_[bucket].size());
  buckets_[bucket].push_back(&connection);
}

void ClientMemory::Forget(Connection& connection) {
  Leave(connection);
  bytes_ -= connection.memory.bytes;
  connection.memory.bytes = 0;
}

void ClientMemory::Leave(Connection& connection) {
  Connection::Memory& memory = connection.memory;
  if (memory.bucket == Connection::Memory::kNoBucket) return;
  std::vector<Connection*>& bucket = buckets_[memory.bucket];
  bucket[memory.index] = bucket.back();
  bucket[memory.index]->memory.index = memory.index;
  bucket.pop_back();
  memory.bucket = Connection::Memory::kNoBucket;
}

Connection* ClientMemory::Largest() const {
  for (size_t i = kBuckets; i-- > 0;) {
    const std::vector<Connection*>& bucket = buckets_[i];
    if (bucket.empty()) continue;
    const auto end =
        bucket.begin() + static_cast<std::ptrdiff_t>(std::min(bucket.size(), kLooksMax));
    return *std::max_element(bucket.begin(), end, [](const Connection* a, const Connection* b) {
      return a->memory.bytes < b->memory.bytes;
    });
  }
  return nullptr;
}

size_t ClientMemory::LimitOf(const Settings& settings) {
  constexpr size_t kLimitMin = size_t{128} << 10;  // below, not even CONFIG SET would get through
  const int64_t wanted = settings.clients_memory_max;
  if (wanted == 0 || (wanted < 0 && settings.memory_bytes_max == 0)) return 0;
  const double part = static_cast<double>(settings.memory_bytes_max) / -100.0;
  const auto bytes = wanted > 0 ? static_cast<size_t>(wanted)
                                : static_cast<size_t>(part * static_cast<double>(wanted));
  return std::max(bytes, kLimitMin);
}

}  // namespace cloakroom
