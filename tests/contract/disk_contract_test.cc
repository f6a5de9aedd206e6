// What a Disk promises, asked of the real one and of the simulated one alike: the log is tested on
// the latter and runs on the former.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "store/env/disk.h"
#include "tests/contract/uv_disk_world.h"
#include "tests/support/sim_disk.h"

namespace cloakroom {
namespace {

template <typename World>
class DiskContract : public testing::Test {
 protected:
  std::string Path(const std::string& name) { return world.directory() + "/" + name; }

  DiskFilePtr Open(const std::string& name, Disk::Mode mode) {
    Result<DiskFilePtr> file = world.disk().OpenNow(Path(name), mode);
    EXPECT_TRUE(file.has_value()) << (file ? "" : file.error().message);
    return *std::move(file);
  }
  DiskFilePtr Create(const std::string& name) { return Open(name, Disk::Mode::kCreate); }

  template <typename Condition>
  void PollUntil(Condition done) {
    for (int i = 0; i < 5'000'000; ++i) {
      if (done()) return;
      world.Poll();
    }
    FAIL() << "it never came";
  }

  /// Begins an operation with `begin(done)` and waits for its end.
  template <typename Begin>
  Result<void> Await(Begin begin) {
    std::optional<Result<void>> ended;
    bool begun = false;
    begin([&](Result<void> result) {
      EXPECT_TRUE(begun) << "called back from within the call";
      EXPECT_FALSE(ended.has_value()) << "called back twice";
      ended = std::move(result);
    });
    begun = true;
    PollUntil([&] { return ended.has_value(); });
    return *std::move(ended);
  }

  Result<void> Write(DiskFile& file, uint64_t offset, std::string bytes,
                     DiskFile::Then then = DiskFile::Then::kNothing) {
    return Await([&](DiskFile::Done done) {
      file.Write(offset, bytes, then, [&bytes, done](Result<void> result, std::string back) {
        EXPECT_EQ(back, bytes) << "the writer wants its buffer back as it was";
        done(std::move(result));
      });
    });
  }

  std::string Contents(const std::string& name) {
    const DiskFilePtr file = Open(name, Disk::Mode::kRead);
    std::string bytes(*file->SizeNow() + 10, '?');
    bytes.resize(*file->ReadNow(0, bytes));
    return bytes;
  }

  World world;
};

/// The simulated disk, without faults but with operations that take their time.
class SimDiskWorld {
 public:
  SimDiskWorld() {
    CHECK(disk_.MakeDirectoryNow(directory_).has_value());
    disk_.faults.slow = 300;
  }
  Disk& disk() { return disk_; }
  [[nodiscard]] const std::string& directory() const { return directory_; }
  void Poll() {
    clock_.Advance(1);
    disk_.Poll();
  }

 private:
  std::string directory_ = "/sim";
  ManualClock clock_;
  SimDisk disk_{clock_, 1};
};

using Worlds = testing::Types<UvDiskWorld, SimDiskWorld>;
TYPED_TEST_SUITE(DiskContract, Worlds);

TYPED_TEST(DiskContract, WhatIsWrittenIsReadBack) {
  const DiskFilePtr file = this->Create("a");
  ASSERT_TRUE(this->Write(*file, 0, "hello"));
  ASSERT_TRUE(this->Write(*file, 5, " world", DiskFile::Then::kSync));
  ASSERT_TRUE(this->Write(*file, 0, "J"));
  EXPECT_EQ(this->Contents("a"), "Jello world");
}

TYPED_TEST(DiskContract, AGapReadsAsZeros) {
  const DiskFilePtr file = this->Create("a");
  ASSERT_TRUE(this->Write(*file, 3, "x"));
  EXPECT_EQ(this->Contents("a"), std::string("\0\0\0x", 4));
}

TYPED_TEST(DiskContract, ReadsWithoutBlockingToo) {
  const DiskFilePtr file = this->Create("a");
  ASSERT_TRUE(file->WriteNow(0, "0123456789"));
  std::vector<std::string> read;
  for (const uint64_t offset : {2, 8, 20})
    file->Read(offset, 4, [&read](Result<std::string> bytes) {
      ASSERT_TRUE(bytes.has_value());
      read.push_back(*std::move(bytes));
    });
  EXPECT_TRUE(read.empty()) << "called back from within the call";
  this->PollUntil([&read] { return read.size() == 3; });
  EXPECT_THAT(read, testing::UnorderedElementsAre("2345", "89", ""));
}

// Nobody may rely on an order among them, but each must have its own effect.
TYPED_TEST(DiskContract, ManyOperationsAtOnceAllEnd) {
  const DiskFilePtr file = this->Create("a");
  size_t ended = 0;
  for (uint64_t i = 0; i < 100; ++i)
    file->Write(i * 1000, std::string(1000, static_cast<char>('a' + i % 26)),
                i % 10 == 0 ? DiskFile::Then::kSync : DiskFile::Then::kNothing,
                [&ended](const Result<void>& result, const std::string& /*bytes*/) {
                  EXPECT_TRUE(result.has_value());
                  ++ended;
                });
  this->PollUntil([&ended] { return ended == 100; });
  const std::string all = this->Contents("a");
  ASSERT_EQ(all.size(), 100'000U);
  for (size_t i = 0; i < 100; ++i)
    EXPECT_EQ(all.substr(i * 1000, 1000), std::string(1000, static_cast<char>('a' + i % 26)));
}

TYPED_TEST(DiskContract, AllocateMakesRoomAndChangesNoByte) {
  const DiskFilePtr file = this->Create("a");
  ASSERT_TRUE(this->Write(*file, 0, "abc"));
  ASSERT_TRUE(this->Await([&](auto done) { file->Allocate(100'000, done); }));
  EXPECT_EQ(*file->SizeNow(), 100'000U);
  EXPECT_EQ(this->Contents("a"), "abc" + std::string(99'997, '\0'));
  ASSERT_TRUE(this->Await([&](auto done) { file->Allocate(50'000, done); }));
  EXPECT_EQ(*file->SizeNow(), 100'000U) << "what is there already stays";
}

TYPED_TEST(DiskContract, TruncateCutsAndProlongs) {
  const DiskFilePtr file = this->Create("a");
  ASSERT_TRUE(this->Write(*file, 0, "abcdef"));
  ASSERT_TRUE(this->Await([&](auto done) { file->Truncate(2, done); }));
  EXPECT_EQ(this->Contents("a"), "ab");
  ASSERT_TRUE(file->TruncateNow(4));
  EXPECT_EQ(this->Contents("a"), std::string("ab\0\0", 4)) << "what was cut must not come back";
}

TYPED_TEST(DiskContract, SyncSucceeds) {
  const DiskFilePtr file = this->Create("a");
  ASSERT_TRUE(this->Write(*file, 0, "abcdef"));
  EXPECT_TRUE(this->Await([&](auto done) { file->Sync(done); }));
  EXPECT_TRUE(file->SyncNow());
  EXPECT_TRUE(this->Await(
      [&](auto done) { this->world.disk().SyncDirectory(this->world.directory(), done); }));
  EXPECT_TRUE(this->world.disk().SyncDirectoryNow(this->world.directory()));
}

TYPED_TEST(DiskContract, ModesSayWhatMustBeThere) {
  Disk& disk = this->world.disk();
  for (const Disk::Mode mode : {Disk::Mode::kRead, Disk::Mode::kWrite}) {
    const Result<DiskFilePtr> file = disk.OpenNow(this->Path("a"), mode);
    ASSERT_FALSE(file.has_value());
    EXPECT_EQ(file.error().code, Code::kNotFound);
    EXPECT_THAT(file.error().message, testing::HasSubstr(this->Path("a")));
  }
  ASSERT_TRUE(this->Create("a")->WriteNow(0, "old"));
  ASSERT_TRUE(this->Open("a", Disk::Mode::kWrite)->WriteNow(0, "O"));
  EXPECT_EQ(this->Contents("a"), "Old");
  EXPECT_FALSE(this->Open("a", Disk::Mode::kRead)->WriteNow(0, "x").has_value());
  std::ignore = this->Create("a");
  EXPECT_EQ(this->Contents("a"), "");
}

TYPED_TEST(DiskContract, OpensWithoutBlockingToo) {
  DiskFilePtr file;
  Code code = Code::kVerbatim;
  this->world.disk().Open(this->Path("a"), Disk::Mode::kCreate, [&](Result<DiskFilePtr> opened) {
    ASSERT_TRUE(opened.has_value());
    file = *std::move(opened);
  });
  EXPECT_EQ(file, nullptr) << "called back from within the call";
  this->PollUntil([&] { return file != nullptr; });
  EXPECT_TRUE(file->WriteNow(0, "x"));
  this->world.disk().Open(
      this->Path("b"), Disk::Mode::kRead,
      [&code](const Result<DiskFilePtr>& opened) { code = opened.error().code; });
  this->PollUntil([&] { return code != Code::kVerbatim; });
  EXPECT_EQ(code, Code::kNotFound);
}

TYPED_TEST(DiskContract, NamesComeAndGo) {
  Disk& disk = this->world.disk();
  const std::string& directory = this->world.directory();
  for (const char* name : {"b", "a", "c"}) ASSERT_TRUE(this->Create(name)->WriteNow(0, name));
  EXPECT_EQ(*disk.ListNow(directory), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_TRUE(disk.RenameNow(this->Path("a"), this->Path("b")));
  EXPECT_EQ(this->Contents("b"), "a") << "what stood there goes";
  EXPECT_TRUE(this->Await([&](auto done) { disk.Rename(this->Path("c"), this->Path("d"), done); }));
  EXPECT_TRUE(this->Await([&](auto done) { disk.Remove(this->Path("b"), done); }));
  EXPECT_EQ(*disk.ListNow(directory), std::vector<std::string>{"d"});
  EXPECT_TRUE(disk.RemoveNow(this->Path("d")));
  EXPECT_TRUE(disk.ListNow(directory)->empty());
}

TYPED_TEST(DiskContract, WhatIsNotThereIsNotFound) {
  Disk& disk = this->world.disk();
  const auto code = [](const auto& result) { return result.error().code; };
  EXPECT_EQ(code(disk.RenameNow(this->Path("x"), this->Path("y"))), Code::kNotFound);
  EXPECT_EQ(code(disk.RemoveNow(this->Path("x"))), Code::kNotFound);
  EXPECT_EQ(code(disk.ListNow(this->Path("x"))), Code::kNotFound);
  EXPECT_EQ(code(disk.SyncDirectoryNow(this->Path("x"))), Code::kNotFound);
  EXPECT_EQ(code(disk.OpenNow(this->Path("x/y"), Disk::Mode::kCreate)), Code::kNotFound);
  EXPECT_EQ(code(this->Await([&](auto done) { disk.Remove(this->Path("x"), done); })),
            Code::kNotFound);
}

TYPED_TEST(DiskContract, DirectoriesHoldTheirOwnFiles) {
  Disk& disk = this->world.disk();
  ASSERT_TRUE(disk.MakeDirectoryNow(this->Path("log")));
  ASSERT_TRUE(disk.MakeDirectoryNow(this->Path("log"))) << "it may be there already";
  std::ignore = this->Create("log/1");
  std::ignore = this->Create("2");
  EXPECT_EQ(*disk.ListNow(this->Path("log")), std::vector<std::string>{"1"});
  EXPECT_EQ(*disk.ListNow(this->world.directory()), std::vector<std::string>{"2"});
  EXPECT_TRUE(disk.SyncDirectoryNow(this->Path("log")));
}

// A file that is removed while it is open lives on for those who have it open.
TYPED_TEST(DiskContract, AnOpenFileOutlivesItsName) {
  const DiskFilePtr file = this->Create("a");
  ASSERT_TRUE(this->Write(*file, 0, "abc"));
  ASSERT_TRUE(this->world.disk().RemoveNow(this->Path("a")));
  ASSERT_TRUE(this->Write(*file, 3, "def"));
  std::string bytes(6, '?');
  EXPECT_EQ(*file->ReadNow(0, bytes), 6U);
  EXPECT_EQ(bytes, "abcdef");
}

// The owner may be gone by then.
TYPED_TEST(DiskContract, NothingIsToldOnceAFileIsClosed) {
  int told = 0;
  {
    const DiskFilePtr file = this->Create("a");
    for (uint64_t i = 0; i < 10; ++i)
      file->Write(
          i, "x", DiskFile::Then::kSync,
          [&told](const Result<void>& /*result*/, const std::string& /*bytes*/) { ++told; });
    file->Sync([&told](const Result<void>& /*result*/) { ++told; });
  }
  this->PollUntil([this] { return this->Contents("a") == "xxxxxxxxxx"; });
  for (int i = 0; i < 1000; ++i) this->world.Poll();
  EXPECT_EQ(told, 0);
}

// It is common to be done with a file in the callback of its last operation.
TYPED_TEST(DiskContract, AFileMayBeClosedByACallback) {
  DiskFilePtr file = this->Create("a");
  file->Sync([&file](const Result<void>& /*result*/) { file.reset(); });
  this->PollUntil([&file] { return file == nullptr; });
}

// The kernel's own full disk. What fails for want of space must be told apart: it may come back.
TEST(UvDiskTest, AFullDiskIsToldApart) {
  UvDiskWorld world;
  const DiskFilePtr file = *world.disk().OpenNow("/dev/full", Disk::Mode::kWrite);
  const Result<void> written = file->WriteNow(0, "x");
  ASSERT_FALSE(written.has_value());
  EXPECT_EQ(written.error().code, Code::kNoSpace);
  EXPECT_EQ(written.error().message, "cannot write to /dev/full: No space left on device");
}

// A device that cannot be synced stands for one that fails to.
TEST(UvDiskTest, AFailedSyncIsToldApart) {
  UvDiskWorld world;
  const DiskFilePtr file = *world.disk().OpenNow("/dev/null", Disk::Mode::kWrite);
  ASSERT_TRUE(file->WriteNow(0, "x"));
  EXPECT_EQ(file->SyncNow().error().code, Code::kSyncFailed);
  std::optional<Code> code;
  file->Write(0, "x", DiskFile::Then::kSync,
              [&code](const Result<void>& result, const std::string& /*bytes*/) {
                code = result.error().code;
              });
  while (!code) world.Poll();
  EXPECT_EQ(*code, Code::kSyncFailed);
}

}  // namespace
}  // namespace cloakroom
