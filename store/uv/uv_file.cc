#include "store/uv/uv_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace cloakroom {
namespace {

Result<void> Allocate(int fd, uint64_t end, const std::string& path) {
  while (fallocate(fd, 0, 0, static_cast<off_t>(end)) != 0) {
    if (errno == EINTR) continue;
    if (errno == EOPNOTSUPP || errno == ENOSYS)
      return Fail(Code::kUnavailable, "cannot reserve space for {}: {}", path,
                  std::strerror(errno));
    return FileFailure("reserve space for", path, errno);
  }
  return {};
}

}  // namespace

tl::unexpected<Error> FileFailure(const char* verb, const std::string& path, int error) {
  Code code = Code::kIo;
  if (error == ENOSPC || error == EDQUOT) code = Code::kNoSpace;
  if (error == ENOENT || error == ENOTDIR) code = Code::kNotFound;
  return Fail(code, "cannot {} {}: {}", verb, path, std::strerror(error));
}

UvFile::~UvFile() { close(fd_); }

void UvFile::Write(uint64_t offset, std::string bytes, Then then, WriteDone done) {
  struct Outcome {
    Result<void> result;
    std::string bytes;
  };
  SubmitJob(
      loop_, *this,
      [this, offset, then, bytes = std::move(bytes)]() mutable -> Outcome {
        Result<void> result = WriteNow(offset, bytes);
        if (result && then == Then::kSync) result = SyncNow();
        return {std::move(result), std::move(bytes)};
      },
      [done = std::move(done)](Outcome outcome) {
        done(std::move(outcome.result), std::move(outcome.bytes));
      });
}

void UvFile::Read(uint64_t offset, size_t size_bytes, ReadDone done) {
  SubmitJob(
      loop_, *this,
      [this, offset, size_bytes]() -> Result<std::string> {
        std::string bytes(size_bytes, '\0');
        TRY(const size_t got, ReadNow(offset, bytes));
        bytes.resize(got);
        return bytes;
      },
      std::move(done));
}

void UvFile::Sync(Done done) {
  SubmitJob(
      loop_, *this, [this] { return SyncNow(); }, std::move(done));
}

void UvFile::Allocate(uint64_t end, Done done) {
  SubmitJob(
      loop_, *this, [this, end] { return cloakroom::Allocate(fd_, end, path_); }, std::move(done));
}

void UvFile::Truncate(uint64_t size_bytes, Done done) {
  SubmitJob(
      loop_, *this, [this, size_bytes] { return TruncateNow(size_bytes); }, std::move(done));
}

Result<size_t> UvFile::ReadNow(uint64_t offset, std::span<char> space) {
  size_t filled = 0;
  while (filled < space.size()) {
    const ssize_t got = pread(fd_, space.data() + filled, space.size() - filled,
                              static_cast<off_t>(offset + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileFailure("read", path_, errno);
    if (got == 0) break;
    filled += static_cast<size_t>(got);
  }
  return filled;
}

Result<void> UvFile::WriteNow(uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return FileFailure("write to", path_, errno);
    bytes.remove_prefix(static_cast<size_t>(put));
    offset += static_cast<uint64_t>(put);
  }
  return {};
}

Result<void> UvFile::SyncNow() {
  // Not even EINTR is tried again: the kernel may have forgotten what it failed to write.
  if (fdatasync(fd_) == 0) return {};
  return Fail(Code::kSyncFailed, "cannot sync {}: {}", path_, std::strerror(errno));
}

Result<void> UvFile::TruncateNow(uint64_t size_bytes) {
  while (ftruncate(fd_, static_cast<off_t>(size_bytes)) != 0)
    if (errno != EINTR) return FileFailure("truncate", path_, errno);
  return {};
}

Result<uint64_t> UvFile::SizeNow() {
  struct stat status {};
  if (fstat(fd_, &status) != 0) return FileFailure("look at", path_, errno);
  return static_cast<uint64_t>(status.st_size);
}

}  // namespace cloakroom
