#include "store/uv/uv_disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "store/uv/uv_file.h"

namespace cloakroom {
namespace {

Result<DiskFilePtr> OpenFile(uv_loop_t* loop, const std::string& path, Disk::Mode mode) {
  int flags = O_CLOEXEC;
  flags |= mode == Disk::Mode::kRead ? O_RDONLY : O_RDWR;
  if (mode == Disk::Mode::kCreate) flags |= O_CREAT | O_TRUNC;
  int fd = -1;
  while ((fd = open(path.c_str(), flags, S_IRUSR | S_IWUSR)) < 0)
    if (errno != EINTR) return FileFailure("open", path, errno);
  return DiskFilePtr(new UvFile(loop, fd, path));
}

Result<void> RenameFile(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) == 0) return {};
  return FileFailure("rename", from, errno);
}

Result<void> RemoveFile(const std::string& path) {
  if (unlink(path.c_str()) == 0) return {};
  return FileFailure("remove", path, errno);
}

Result<void> SyncNames(const std::string& directory) {
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return FileFailure("open", directory, errno);
  const int error = fsync(fd) == 0 ? 0 : errno;
  close(fd);
  if (error == 0) return {};
  return Fail(Code::kSyncFailed, "cannot sync {}: {}", directory, std::strerror(error));
}

}  // namespace

struct UvDisk::Calls final : JobOwner {};

UvDisk::UvDisk(UvLoop& loop) : loop_(loop.raw()), calls_(new Calls) {}
UvDisk::~UvDisk() { calls_->CloseOwner(); }

void UvDisk::Open(std::string path, Mode mode, OpenDone done) {
  SubmitJob(
      loop_, *calls_,
      [loop = loop_, path = std::move(path), mode] { return OpenFile(loop, path, mode); },
      std::move(done));
}

void UvDisk::Rename(std::string from, std::string to, Done done) {
  SubmitJob(
      loop_, *calls_, [from = std::move(from), to = std::move(to)] { return RenameFile(from, to); },
      std::move(done));
}

void UvDisk::Remove(std::string path, Done done) {
  SubmitJob(
      loop_, *calls_, [path = std::move(path)] { return RemoveFile(path); }, std::move(done));
}

void UvDisk::SyncDirectory(std::string directory, Done done) {
  SubmitJob(
      loop_, *calls_, [directory = std::move(directory)] { return SyncNames(directory); },
      std::move(done));
}

Result<DiskFilePtr> UvDisk::OpenNow(const std::string& path, Mode mode) {
  return OpenFile(loop_, path, mode);
}

Result<void> UvDisk::RenameNow(const std::string& from, const std::string& to) {
  return RenameFile(from, to);
}

Result<void> UvDisk::RemoveNow(const std::string& path) { return RemoveFile(path); }

Result<void> UvDisk::SyncDirectoryNow(const std::string& directory) { return SyncNames(directory); }

Result<void> UvDisk::MakeDirectoryNow(const std::string& directory) {
  if (mkdir(directory.c_str(), S_IRWXU) == 0 || errno == EEXIST) return {};
  return FileFailure("make", directory, errno);
}

Result<std::vector<std::string>> UvDisk::ListNow(const std::string& directory) {
  DIR* const stream = opendir(directory.c_str());
  if (stream == nullptr) return FileFailure("list", directory, errno);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* const found = readdir(stream)) {
    struct stat status {};
    if (fstatat(dirfd(stream), found->d_name, &status, 0) == 0 && S_ISREG(status.st_mode))
      names.emplace_back(found->d_name);
    errno = 0;
  }
  const int error = errno;
  closedir(stream);
  if (error != 0) return FileFailure("list", directory, error);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace cloakroom
