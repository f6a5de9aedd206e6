#include "store/wal/wal_tail.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "tests/support/manual_clock.h"
#include "tests/support/sim_disk.h"
#include "tests/unit/store/wal/wal_builder.h"

namespace cloakroom {
namespace {

// What was reserved behind the last record of a segment is cut off later than the next one begins,
// and not at all when the process ends meanwhile.
TEST(WalTailTest, SpaceThatWasReservedInVainEndsASegment) {
  ManualClock clock;
  SimDisk disk(clock, 1);
  const std::string first = SegmentBuilder(1).Records(1, 5).Zeros(2000).PutOn(disk);
  const std::string second = SegmentBuilder(6).Records(6, 8).Zeros(2000).PutOn(disk);
  WalTail tail(disk, kTestHistory, 1, [&](uint64_t sequence) -> std::optional<WalTail::Place> {
    if (sequence >= 6) return WalTail::Place{second, 0};
    return WalTail::Place{first, 6};
  });
  std::vector<uint64_t> read;
  while (tail.next() <= 8) {
    std::optional<Result<void>> told;
    tail.Read(
        8,
        [&read](const RecordHeader& header, std::string_view ops) {
          EXPECT_EQ(ops, OpsOf(header.sequence));
          read.push_back(header.sequence);
        },
        [&told](Result<void> result) { told = std::move(result); });
    while (disk.Poll()) {
    }
    ASSERT_TRUE(told && *told) << told->error().message;
  }
  EXPECT_EQ(read, (std::vector<uint64_t>{1, 2, 3, 4, 5, 6, 7, 8}));
}

}  // namespace
}  // namespace cloakroom
