#include "store/image/image_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "store/base/coding.h"
#include "store/base/crc32c.h"
#include "store/base/version.h"
#include "store/image/image_scan.h"
#include "store/op/session_op.h"
#include "store/op/write_batch.h"
#include "tests/support/worked_example.h"

namespace cloakroom {
namespace {

const std::string kPage = CLOAKROOM_SOURCE_DIR "/store/image/FORMAT.md";

ImageHeader ExampleHeader() {
  return {.history = ExampleHistory(), .sequence = 7, .epoch = 2, .time_ms = 1'700'000'000'000};
}

// The page promises it: what is written down is what is done.
TEST(ImageFormatTest, TheWorkedExampleIsWhatIsWritten) {
  Keyspace keys(16, 1);
  WriteBatch batch;
  batch.PutString(0, keys.Ref("user:1"), "ana", 1'700'000'000'100);
  SessionPutOp put;
  put.key.bytes.fill('k');
  put.key.bytes[1] = 1;  // the slot, at most 16383
  put.ns = "shop";
  put.user = "bob";
  put.handle = DerivedHandle(put.key);
  put.created = put.seen = put.auth_at = put.abs_start = 1'699'999'999'000;
  put.idle_ms = 1'800'000;
  put.abs_ms = kDayMs;
  put.version = 1;
  const std::string_view fields[] = {"lang", "en", "n", "42"};
  put.has_fields = true;
  put.fields = fields;
  Add(batch, put);
  keys.Apply({7, 2, 1'700'000'000'000}, batch.bytes());
  ImageScan scan(keys, ExampleHeader(), {.zstd_level = 0});
  ASSERT_TRUE(scan.Step(100));
  const std::string bytes = scan.Take();
  std::string dump;
  for (size_t i = 0; i < bytes.size(); ++i)
    dump += fmt::format("{}{:02x} ", i % 16 == 0 ? fmt::format("\n{:04x}  ", i) : "",
                        static_cast<unsigned char>(bytes[i]));
  EXPECT_EQ(ExampleBytes(kPage), bytes) << dump;
}

TEST(ImageFormatTest, HeadersAreReadBack) {
  const std::string bytes = EncodeImageHeader(ExampleHeader());
  ASSERT_EQ(bytes.size(), kImageHeaderBytes);
  const Result<ImageHeader> read = DecodeImageHeader(bytes + "more");
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->history, ExampleHistory());
  EXPECT_EQ(read->sequence, 7U);
  EXPECT_EQ(read->epoch, 2U);
  EXPECT_EQ(read->time_ms, 1'700'000'000'000);
}

TEST(ImageFormatTest, EveryFlippedBitOfAHeaderIsFound) {
  const std::string good = EncodeImageHeader(ExampleHeader());
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    const Result<ImageHeader> read = DecodeImageHeader(bad);
    ASSERT_FALSE(read.has_value()) << bit;
    EXPECT_EQ(read.error().code, Code::kDamaged) << bit << ": " << read.error().message;
  }
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(DecodeImageHeader(good.substr(0, size)).has_value());
}

// An older build must not take a newer one's image for a damaged one, whatever else has changed.
TEST(ImageFormatTest, ANewerFormatIsRefusedByName) {
  std::string newer = EncodeImageHeader(ExampleHeader());
  newer.insert(newer.size() - 4, "what we know nothing of");
  StoreInt(newer.data() + 8, kImageVersion + 3);
  StoreInt(newer.data() + 12, static_cast<uint32_t>(newer.size()));
  StoreInt(newer.data() + newer.size() - 4,
           Crc32c(std::string_view(newer).substr(0, newer.size() - 4)));
  const Result<ImageHeader> read = DecodeImageHeader(newer);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, Code::kUnavailable);
  EXPECT_EQ(read.error().message,
            "a newer build wrote it, in format 4; this build reads formats up to 1");
}

}  // namespace
}  // namespace cloakroom
