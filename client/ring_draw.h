#pragma once

#include <cstdint>
#include <string>

#include "store/ring/shard_list.h"

namespace cloakroom {

/// The ring of `shards` as an SVG document: point 0 at the top, clockwise, an arc in its owner's
/// colour, and beside it each shard's part of the circle and how that compares with its fair share.
///   vnodes  virtual nodes per weight one
///   cost    about 100 bytes an arc: 250 KB for ten shards
[[nodiscard]] std::string DrawRing(const ShardList& shards, uint32_t vnodes);

}  // namespace cloakroom
