#include "redis_compat/server/config_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace cloakroom {
namespace {

class ConfigFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string folder = ::testing::TempDir() + "config_file_XXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void Write(const std::string& name, std::string_view text) {
    std::ofstream(folder_ / name) << text;
  }
  [[nodiscard]] std::string Path(const std::string& name) const { return folder_ / name; }

  std::filesystem::path folder_;
};

// A rewrite that fails half way must not leave the operator without a config.
TEST_F(ConfigFileTest, ReplacingKeepsModeAndLeavesNothingBehind) {
  Write("a.conf", "port 1\n");
  ASSERT_EQ(::chmod(Path("a.conf").c_str(), 0600), 0);
  ASSERT_TRUE(ReplaceFile(Path("a.conf"), "port 2\n"));
  EXPECT_EQ(ReadConfigFile(Path("a.conf")).value(), "port 2\n");
  struct stat info {};
  ASSERT_EQ(::stat(Path("a.conf").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
  size_t files = 0;
  for (const auto& each : std::filesystem::directory_iterator(folder_)) files += each.exists();
  EXPECT_EQ(files, 1U);
  EXPECT_FALSE(ReplaceFile(Path("no/such/folder.conf"), "x"));
}

TEST_F(ConfigFileTest, AGlobNamesSeveralFiles) {
  Write("1.conf", "port 1");
  Write("2.conf", "port 2\n");
  EXPECT_EQ(ReadIncludedFiles(Path("*.conf")).value(), "port 1\nport 2\n\n");
  EXPECT_EQ(ReadIncludedFiles(Path("*.none")).value(), "");
  EXPECT_FALSE(ReadIncludedFiles(Path("3.conf")));
}

}  // namespace
}  // namespace cloakroom
