#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "store/base/check.h"
#include "store/uv/uv_disk.h"
#include "store/uv/uv_loop.h"

namespace cloakroom {

/// The real disk, in a temporary directory.
class UvDiskWorld {
 public:
  UvDiskWorld() {
    std::string pattern = (std::filesystem::temp_directory_path() / "cloakroom-XXXXXX").string();
    CHECK(mkdtemp(pattern.data()) != nullptr);
    directory_ = pattern;
  }
  ~UvDiskWorld() { std::filesystem::remove_all(directory_); }

  Disk& disk() { return disk_; }
  [[nodiscard]] const std::string& directory() const { return directory_; }
  void Poll() { loop_.RunOnce(); }

 private:
  std::string directory_;
  UvLoop loop_;
  UvDisk disk_{loop_};
};

}  // namespace cloakroom
