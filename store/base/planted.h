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
  // Of replication.
  kNumbersAlone,       // a replica goes on where its number is one that the primary has
  kOneTooLate,         // a replica that goes on misses a record
  kOverrunUnnoticed,   // a replica goes on although what comes next is nowhere any more
  kAckBeforeApply,     // a replica acknowledges what it has heard of
  kOwnClockExpires,    // a replica frees for good what is dead by its own clock
  kHistoryNotBegun,    // a primary goes on after its start as if it had lost nothing
  kPromotedInSilence,  // a replica that is promoted goes on in the history that it had
  kLineageForgotten,   // a lineage is not written down
  kSyncMarkIgnored,    // a start takes what a sync has left for a state
  kDivergedCutShort,   // of what is given up the last record is not kept
  kImageInSync,        // an image is taken of what a sync has brought so far
  kVoidDiskCounts,     // what a start would throw away counts as being on disk
  kFeedsKept,          // who was greeted in the midst of a sync goes on behind it
  kCountedTwice,       // a replica's older connection counts as well
  kImageOfOwnClock,    // an image for a replica leaves out what is dead by the clock alone
  kReservedIsDamage,   // zeros behind a segment's last record are taken for a record
};

#ifdef CLOAKROOM_PLANTS
/// The one that is planted now.
inline Plant planted = Plant::kNone;
[[nodiscard]] inline bool Planted(Plant plant) { return planted == plant; }
#else
[[nodiscard]] constexpr bool Planted(Plant /*plant*/) { return false; }
#endif

}  // namespace cloakroom
