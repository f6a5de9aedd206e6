#include "redis_compat/server/backup_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/image/image_files.h"
#include "tests/support/sim_disk.h"

namespace cloakroom {
namespace {

using testing::HasSubstr;

class BackupPathTest : public testing::Test {
 protected:
  BackupPathTest() {
    settings.dir = "/link";
    settings.backup_dir = "backups";
    for (const char* made : {"/srv", "/mnt"}) EXPECT_TRUE(disk.MakeDirectoryNow(made));
    EXPECT_TRUE(disk.SyncDirectoryNow("/"));
  }
  /// The path, or the error's message.
  std::string Prepare(std::string_view name) {
    const Result<std::string> path = PrepareBackup(disk, settings, "/srv", name);
    return path ? *path : path.error().message;
  }

  ManualClock clock;
  SimDisk disk{clock, 7};
  Settings settings;
};

// The name alone, behind the directory as the options name it, or as an absolute path: all the
// same.
TEST_F(BackupPathTest, OneFileHasSeveralNames) {
  for (const char* configured : {"backups", "backups/", "./backups//", "/srv/backups/"}) {
    settings.backup_dir = configured;
    for (const char* name : {"a.img", "/srv/backups/a.img", "/srv//x/../backups/a.img"})
      EXPECT_EQ(Prepare(name), "/srv/backups/a.img") << configured;
  }
  settings.backup_dir = "backups/";
  EXPECT_EQ(Prepare("backups/a.img"), "/srv/backups/a.img");
  EXPECT_EQ(Prepare("./backups/a.img"), "/srv/backups/a.img");
  EXPECT_EQ(Prepare("/link/backups/a.img"), "/srv/backups/a.img");
  settings.backup_dir = "/mnt";
  EXPECT_EQ(Prepare("/mnt/a.img"), "/mnt/a.img");
}

TEST_F(BackupPathTest, NothingElseCanBeReached) {
  for (const std::string_view name :
       {"", ".", "..", "../x", "a/b", "backups/a/b", "backups/../x", "backups/", "/etc/passwd",
        "/x", ".hidden", "backups/.hidden", "/srv/backupsx/a"})
    EXPECT_THAT(Prepare(name), HasSubstr("cannot be a backup in /srv/backups")) << name;
  EXPECT_THAT(Prepare(std::string_view("x\0y", 3)), HasSubstr("zero byte"));
  EXPECT_THAT(Prepare(std::string(201, 'a')), HasSubstr("1 to 200"));
  EXPECT_THAT(Prepare(ImageName(7)), HasSubstr("uses such names"));
  EXPECT_THAT(Prepare("a.img.tmp"), HasSubstr("uses such names"));
  settings.backup_dir = "";
  EXPECT_THAT(Prepare("a"), HasSubstr("backup-dir is not set"));
}

// A backup that is there is worth more than the one that a careless script would put in its place.
TEST_F(BackupPathTest, NeverReplacesAFile) {
  ASSERT_EQ(Prepare("a.img"), "/srv/backups/a.img");
  ASSERT_TRUE(disk.OpenNow("/srv/backups/a.img", Disk::Mode::kCreate));
  EXPECT_THAT(Prepare("a.img"), HasSubstr("is there already"));
  EXPECT_EQ(Prepare("b.img"), "/srv/backups/b.img");
}

// Among the server's own files a backup would be loaded by the next start, or removed.
TEST_F(BackupPathTest, BackupsLieApartFromTheData) {
  settings.persistence.log_name = "log";
  for (const char* directory : {".", "./", "/srv", "/srv/", "backups/..", "log", "/srv/log/"}) {
    settings.backup_dir = directory;
    EXPECT_THAT(Prepare("a.img"), HasSubstr("a directory of their own")) << directory;
  }
}

// The answer to BACKUP says that the file is safe: so must be the directory that it lies in.
TEST_F(BackupPathTest, TheDirectorySurvivesAPowerCut) {
  for (int i = 0; i < 30; ++i) {
    settings.backup_dir = "backups" + std::to_string(i);
    ASSERT_EQ(Prepare("a"), "/srv/" + settings.backup_dir + "/a");
    disk.Crash();
    EXPECT_TRUE(disk.ListNow("/srv/" + settings.backup_dir)) << i;
  }
}

}  // namespace
}  // namespace cloakroom
