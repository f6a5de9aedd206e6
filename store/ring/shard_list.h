#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "store/base/result.h"

namespace cloakroom {

/// Names a shard; given once, never reused.
using ShardId = uint32_t;

/// No shard: the owner of a slot that nobody serves.
inline constexpr ShardId kNoShard = UINT32_MAX;

/// How much a shard is to carry, in thousandths of an ordinary one. Whole numbers, so that every
/// node computes the very same shares.
using Weight = uint32_t;
inline constexpr Weight kWeightOne = 1000;
inline constexpr Weight kWeightMax = 1000 * kWeightOne;

/// A shard and its weight. Weight 0 is drained: still there, to own nothing.
struct WeightedShard {
  ShardId id = kNoShard;
  Weight weight = kWeightOne;
  friend bool operator==(const WeightedShard&, const WeightedShard&) = default;
};

/// The shards of a cluster, in ascending order of their ids.
using ShardList = std::vector<WeightedShard>;

/// Shards 0 to `count` - 1, each of weight one.
[[nodiscard]] ShardList EqualShards(uint32_t count);

/// Whether slots can be shared among `shards`.
///   errors  kInvalid     an id is kNoShard, or the ids do not ascend
///           kOutOfRange  a weight is above kWeightMax, or none is above 0
[[nodiscard]] Result<void> CheckShards(std::span<const WeightedShard> shards);

/// The four ways in which a cluster changes. Each returns the list as it is to be; RebalancePlan
/// then says which slots move.
///   errors  kInvalid     Join: the shard is there already; the others: it is not there
///           and those of CheckShards, so that the last shard neither leaves nor is drained
[[nodiscard]] Result<ShardList> Join(ShardList shards, WeightedShard shard);
[[nodiscard]] Result<ShardList> Leave(ShardList shards, ShardId id);
[[nodiscard]] Result<ShardList> Reweigh(ShardList shards, ShardId id, Weight weight);
/// A drained shard stays in the list, and is empty once its plan is carried out.
[[nodiscard]] Result<ShardList> Drain(ShardList shards, ShardId id);

}  // namespace cloakroom
