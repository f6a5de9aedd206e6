#pragma once

#include <cstdint>

namespace cloakroom {

/// Bugs that a test plants, to see that it would find them. They exist in test builds of the
/// library alone, which define CLOAKROOM_PLANTS; elsewhere Planted is false and costs nothing.
enum class Plant : uint8_t {
  kNone,
  kSyncSkipped,         // a sync of a file is not done, but said to be
  kDirectoryNotSynced,  // the same of a directory
  kTailReplayedTwice,   // recovery hands out the last records again
  kTornRecordAccepted,  // a record is taken without looking at its checksum
  kReplyBeforeSync,     // what is appended counts as synced
  kPreImageMissed,      // now and then what changes before an image has it is not handed out
  kTombstoneLost,       // an image forgets what ended and is not freed yet
  kMarkNotLogged,       // what ends many sessions at once does not reach the log on disk
};

#ifdef CLOAKROOM_PLANTS
/// The one that is planted now.
inline Plant planted = Plant::kNone;
[[nodiscard]] inline bool Planted(Plant plant) { return planted == plant; }
#else
[[nodiscard]] constexpr bool Planted(Plant /*plant*/) { return false; }
#endif

}  // namespace cloakroom
