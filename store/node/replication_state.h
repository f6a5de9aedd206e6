#pragma once

#include <optional>
#include <string>

#include "store/base/result.h"
#include "store/env/disk.h"
#include "store/replication/lineage.h"

namespace cloakroom {

/// What a node must know of its state's past beyond image and log: a small file beside them.
struct ReplicationState {
  HistoryId log{};  // the files to which it belongs: Persistence::history
  Lineage lineage;
};

/// Replaces the file, durably. Blocks.
[[nodiscard]] Result<void> SaveReplicationState(Disk& disk, const std::string& directory,
                                                const ReplicationState& state);
/// Nothing: there is no such file.
///   errors  kDamaged  it is not what was written
///           kUnavailable  a newer build wrote it
[[nodiscard]] Result<std::optional<ReplicationState>> LoadReplicationState(
    Disk& disk, const std::string& directory);

}  // namespace cloakroom
