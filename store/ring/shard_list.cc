#include "store/ring/shard_list.h"

#include <algorithm>
#include <utility>

namespace cloakroom {
namespace {

// The place of shard `id` in an ascending list, or where it would stand.
ShardList::iterator Find(ShardList& shards, ShardId id) {
  return std::ranges::lower_bound(shards, id, {}, &WeightedShard::id);
}

Result<ShardList> Checked(ShardList shards) {
  TRY_VOID(CheckShards(shards));
  return shards;
}

}  // namespace

ShardList EqualShards(uint32_t count) {
  ShardList shards;
  shards.reserve(count);
  for (ShardId id = 0; id < count; ++id) shards.push_back({id, kWeightOne});
  return shards;
}

Result<void> CheckShards(std::span<const WeightedShard> shards) {
  uint64_t total = 0;
  for (size_t i = 0; i < shards.size(); ++i) {
    const auto [id, weight] = shards[i];
    if (id == kNoShard) return Fail(Code::kInvalid, "{} is not the id of a shard", id);
    if (i > 0 && id <= shards[i - 1].id)
      return Fail(Code::kInvalid, "shard {} after shard {}: ids must ascend", id, shards[i - 1].id);
    if (weight > kWeightMax)
      return Fail(Code::kOutOfRange, "shard {} weighs {} thousandths, must be 0 to {}", id, weight,
                  kWeightMax);
    total += weight;
  }
  if (total == 0)
    return Fail(Code::kOutOfRange, "no shard of {} has a weight above 0", shards.size());
  return {};
}

Result<ShardList> Join(ShardList shards, WeightedShard shard) {
  const auto at = Find(shards, shard.id);
  if (at != shards.end() && at->id == shard.id)
    return Fail(Code::kInvalid, "shard {} is there already", shard.id);
  shards.insert(at, shard);
  return Checked(std::move(shards));
}

Result<ShardList> Leave(ShardList shards, ShardId id) {
  const auto at = Find(shards, id);
  if (at == shards.end() || at->id != id) return Fail(Code::kInvalid, "there is no shard {}", id);
  shards.erase(at);
  return Checked(std::move(shards));
}

Result<ShardList> Reweigh(ShardList shards, ShardId id, Weight weight) {
  const auto at = Find(shards, id);
  if (at == shards.end() || at->id != id) return Fail(Code::kInvalid, "there is no shard {}", id);
  at->weight = weight;
  return Checked(std::move(shards));
}

Result<ShardList> Drain(ShardList shards, ShardId id) { return Reweigh(std::move(shards), id, 0); }

}  // namespace cloakroom
