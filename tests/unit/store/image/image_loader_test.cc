// Images that were cut off, have rotted, or were made to harm.

#include "store/image/image_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "store/base/coding.h"
#include "store/base/crc32c.h"
#include "store/image/image_saver.h"
#include "store/types/session.h"
#include "tests/support/keyspace_dump.h"
#include "tests/support/keyspace_log.h"
#include "tests/support/seeded_random.h"
#include "tests/support/sim_disk.h"

namespace cloakroom {
namespace {

constexpr char kPath[] = "/images/one";

class ImageLoaderTest : public testing::Test {
 protected:
  ImageLoaderTest() { EXPECT_TRUE(disk.MakeDirectoryNow("/images")); }

  /// A keyspace with something of everything.
  void Fill(int sessions) {
    SeededRandom random(3);
    for (int i = 0; i < sessions; ++i) {
      const std::string user = i % 3 == 0 ? "" : "user" + std::to_string(i % 50);
      const std::string_view fields[] = {"lang", "en", "cart", "17,4,2"};
      SessionRequest request;
      request.ns = "shop";
      request.user = user;
      request.fields = WordSpan(fields);
      const auto made = CreateSession(log.keys.sessions(), request, log.now, random, log.batch);
      ASSERT_TRUE(made.has_value());
      log.Apply();
      if (i % 5 == 0) {
        ASSERT_TRUE(
            RotateSession(log.keys.sessions(), made->token, {}, log.now, random, log.batch));
        log.Apply();
      }
    }
    log.Put("string", "value", log.now + 5000);
    log.Put("long", std::string(200'000, 'x'));
    log.HashSet("hash", {"a", "1", "b", "2"}, 3);
    log.HashSet("large hash", {"a", std::string(100, 'v'), "b", "2"});
    log.SetAdd("numbers", {"1", "2", "300000"});
    log.SetAdd("words", {"x", "y"});
  }
  void Save(int zstd_level = 1) {
    const ImageHeader header{.sequence = log.records.size(), .epoch = 1, .time_ms = log.now};
    const Result<ImageInfo> saved = SaveImageNow(disk, log.keys, header, kPath, zstd_level);
    ASSERT_TRUE(saved.has_value()) << saved.error().message;
  }
  void Write(std::string_view bytes) {
    const auto file = disk.OpenNow(kPath, Disk::Mode::kCreate);
    ASSERT_TRUE(file.has_value() && (*file)->WriteNow(0, bytes));
  }
  Result<uint64_t> Load(uint32_t databases = 16) {
    loaded = std::make_unique<Keyspace>(databases, 77);
    TRY(ImageLoader loader, ImageLoader::Open(disk, kPath));
    while (true) {
      TRY(const bool more, loader.Step(*loaded, 10'000));
      if (!more) return loader.entries();
    }
  }
  /// Both ways of reading refuse it.
  void ExpectDamaged(const std::string& what) {
    const Result<uint64_t> read = Load();
    ASSERT_FALSE(read.has_value()) << what;
    EXPECT_EQ(read.error().code, Code::kDamaged) << what;
    EXPECT_THAT(read.error().message, testing::HasSubstr(kPath)) << what;
    EXPECT_FALSE(CheckImage(disk, kPath).has_value()) << what;
  }

  ManualClock clock;
  SimDisk disk{clock, 1};
  KeyspaceLog log;
  std::unique_ptr<Keyspace> loaded;
};

TEST_F(ImageLoaderTest, WhatWasSavedIsLoaded) {
  Fill(500);
  for (const int level : {0, 1}) {
    Save(level);
    const Result<uint64_t> entries = Load();
    ASSERT_TRUE(entries.has_value()) << entries.error().message;
    EXPECT_EQ(*entries, 506U);
    EXPECT_EQ(DumpKeyspace(*loaded, log.now), DumpKeyspace(log.keys, log.now));
    EXPECT_THAT(loaded->sessions().Inconsistencies(), testing::IsEmpty());
    const Result<ImageInfo> info = CheckImage(disk, kPath);
    ASSERT_TRUE(info.has_value());
    EXPECT_EQ(info->entries, 506U);
    EXPECT_EQ(info->sequence, log.records.size());
  }
}

TEST_F(ImageLoaderTest, AnEmptyKeyspaceHasAnImageToo) {
  Save();
  const Result<uint64_t> entries = Load();
  ASSERT_TRUE(entries.has_value()) << entries.error().message;
  EXPECT_EQ(*entries, 0U);
}

TEST_F(ImageLoaderTest, WhereverItIsCutOffThatIsFound) {
  Fill(20);
  for (const int level : {0, 1}) {
    Save(level);
    const std::string whole = disk.Contents(kPath);
    const size_t step = whole.size() / 500 + 1;
    for (size_t size = 0; size < whole.size(); size += size < 300 ? 1 : step) {
      Write(std::string_view(whole).substr(0, size));
      ExpectDamaged("cut to " + std::to_string(size));
    }
    Write(whole + "x");
    ExpectDamaged("prolonged");
  }
}

TEST_F(ImageLoaderTest, WhateverByteRotsThatIsFound) {
  Fill(20);
  Save();
  const std::string whole = disk.Contents(kPath);
  SeededRandom dice(5);
  for (size_t at = 0; at < whole.size(); ++at) {
    if (at > 400 && at + 100 < whole.size() && dice.Below(8) != 0) continue;
    std::string bad = whole;
    bad[at] = static_cast<char>(bad[at] ^ (1 << dice.Below(8)));
    Write(bad);
    ExpectDamaged("byte " + std::to_string(at));
  }
}

// A block of another image, or one that stands elsewhere, holds by itself, but not here.
TEST_F(ImageLoaderTest, BlocksOfAnotherImageAreRefused) {
  Fill(5);
  Save();
  const std::string one = disk.Contents(kPath);
  log.Put("more", "x");
  Save();
  const std::string two = disk.Contents(kPath);
  Write(one.substr(0, kImageHeaderBytes) + two.substr(kImageHeaderBytes));
  ExpectDamaged("the blocks of another");
}

TEST_F(ImageLoaderTest, BlocksThatChangedPlacesAreFound) {
  Fill(3000);
  Save(0);
  const std::string whole = disk.Contents(kPath);
  const size_t first = kImageHeaderBytes;
  const size_t second = first + kImageBlockBytes + DecodeBlock(whole.substr(first)).size_bytes;
  const size_t third = second + kImageBlockBytes + DecodeBlock(whole.substr(second)).size_bytes;
  ASSERT_LT(third, whole.size());
  Write(whole.substr(0, first) + whole.substr(second, third - second) +
        whole.substr(first, second - first) + whole.substr(third));
  ExpectDamaged("two blocks changed places");
  Write(whole.substr(0, first) + whole.substr(second));
  ExpectDamaged("a block is missing");
}

TEST_F(ImageLoaderTest, ANewerFormatIsRefused) {
  Save();
  std::string newer = disk.Contents(kPath);
  StoreInt(newer.data() + 8, kImageVersion + 1);
  StoreInt(newer.data() + kImageHeaderBytes - 4,
           Crc32c(std::string_view(newer).substr(0, kImageHeaderBytes - 4)));
  Write(newer);
  const Result<uint64_t> read = Load();
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, Code::kUnavailable);
  EXPECT_EQ(read.error().message,
            "cannot read the image /images/one: a newer build wrote it, in format 2; this build "
            "reads formats up to 1");
}

TEST_F(ImageLoaderTest, TooFewDatabasesAreNoDamage) {
  Fill(1);
  Save();
  const Result<uint64_t> read = Load(2);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, Code::kUnavailable) << read.error().message;
}

// Items that no ops could have led to: with a checksum that holds, as who means harm would make it.
TEST_F(ImageLoaderTest, ItemsThatMakeNoSenseAreRefused) {
  const std::string header = EncodeImageHeader({.sequence = 1, .epoch = 1, .time_ms = 1000});
  const auto image = [&](const std::string& items) {
    std::string bytes = header;
    ImageBlock block;
    block.raw_bytes = static_cast<uint32_t>(items.size());
    AppendBlock(bytes, ImageSalt(header), block, items);
    block = {.number = 1, .form = BlockForm::kEnd};
    AppendBlock(bytes, ImageSalt(header), block, EncodeEnd({1, items.size()}));
    return bytes;
  };
  using std::string_literals::operator""s;
  const std::string key18(18, '\1');
  const std::string bad[] = {
      "\x63"s,                                   // an unknown kind
      "\x06"s + std::string(18, '\xff') + "\1",  // a tombstone in slot 65535
      "\x06"s + key18 + "\0"s,                   // one that ends at once
      "\x04\x01"s + key18 + "\0\1\0"s,           // a session of no shape
      "\x03\x05\1\1\0\0"s,                       // a shape of no namespace
      "\x07\x05\1u\1\1"s,                        // a mark of no namespace
      "\x08\x00\x00\x00\x01k"s,                  // an entry that is cut off
      "\x08\x03\x00\x00\x01k\x01v"s,             // one of type session
      "\x08\x01\x00\x00\x01k\x02\x05v"s,         // a packed hash whose item leaves it
      "\x08\x01\x00\x00\x01k\x02\x01v"s,         // one with a name and no value
      "\x08\x22\x00\x00\x01k\x02\x03v"s,         // an intset of width 3
      "\x09\x31\x00\x00\x01k\x02"s,              // a large hash without its fields
      "\x0a\x00\x01v"s,                          // a part of nothing
      "\x09\x00\x00\x00\x01k\x02\x0a\x00\x03"
      "abc"s,                                                   // a part that is too long
      "\x08\x00\x00\x00\x01k\x01v\x08\x00\x00\x00\x01k\x01v"s,  // a key twice
  };
  for (const std::string& items : bad) {
    Write(image(items));
    const Result<uint64_t> read = Load();
    ASSERT_FALSE(read.has_value()) << testing::PrintToString(items);
    EXPECT_EQ(read.error().code, Code::kDamaged);
  }
  Write(image("\x08\x00\x00\x00\x01k\x01v"s));
  EXPECT_TRUE(Load().has_value()) << "the frame around them is good";
}

}  // namespace
}  // namespace cloakroom
