#pragma once

#include <string>
#include <vector>

#include "store/env/disk.h"
#include "store/uv/uv_loop.h"

namespace cloakroom {

/// The file system, its slow calls made on libuv's pool of threads. An operation costs the loop a
/// wake-up of a thread and being woken by it, a few microseconds of CPU in all. The pool has four
/// threads: so many operations run at once, the others wait in order.
class UvDisk final : public Disk {
 public:
  explicit UvDisk(UvLoop& loop);
  /// What is under way is finished by the loop, but nothing more is told.
  ~UvDisk() override;
  UvDisk(const UvDisk&) = delete;
  UvDisk& operator=(const UvDisk&) = delete;

  void Open(std::string path, Mode mode, OpenDone done) override;
  void Rename(std::string from, std::string to, Done done) override;
  void Remove(std::string path, Done done) override;
  void SyncDirectory(std::string directory, Done done) override;

  [[nodiscard]] Result<DiskFilePtr> OpenNow(const std::string& path, Mode mode) override;
  [[nodiscard]] Result<void> RenameNow(const std::string& from, const std::string& to) override;
  [[nodiscard]] Result<void> RemoveNow(const std::string& path) override;
  [[nodiscard]] Result<void> SyncDirectoryNow(const std::string& directory) override;
  [[nodiscard]] Result<void> MakeDirectoryNow(const std::string& directory) override;
  [[nodiscard]] Result<std::vector<std::string>> ListNow(const std::string& directory) override;

 private:
  struct Calls;

  uv_loop_t* loop_;
  Calls* calls_;  // outlives us until the last of them has ended
};

}  // namespace cloakroom
