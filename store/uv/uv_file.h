#pragma once

#include <string>

#include "store/env/disk.h"
#include "store/uv/disk_job.h"

namespace cloakroom {

/// What errno says of a failed operation on `path`, as an Error.
[[nodiscard]] tl::unexpected<Error> FileFailure(const char* verb, const std::string& path,
                                                int error);

/// An open file whose slow calls are made on libuv's pool of threads.
class UvFile final : public DiskFile, public JobOwner {
 public:
  UvFile(uv_loop_t* loop, int fd, std::string path)
      : loop_(loop), fd_(fd), path_(std::move(path)) {}
  UvFile(const UvFile&) = delete;
  UvFile& operator=(const UvFile&) = delete;

  void Write(uint64_t offset, std::string bytes, Then then, WriteDone done) override;
  void Read(uint64_t offset, size_t size_bytes, ReadDone done) override;
  void Sync(Done done) override;
  void Allocate(uint64_t end, Done done) override;
  void Truncate(uint64_t size_bytes, Done done) override;

  [[nodiscard]] Result<size_t> ReadNow(uint64_t offset, std::span<char> space) override;
  [[nodiscard]] Result<void> WriteNow(uint64_t offset, std::string_view bytes) override;
  [[nodiscard]] Result<void> SyncNow() override;
  [[nodiscard]] Result<void> TruncateNow(uint64_t size_bytes) override;
  [[nodiscard]] Result<uint64_t> SizeNow() override;
  void Close() override { CloseOwner(); }

 protected:
  ~UvFile() override;

 private:
  // Neither changes after the file was opened, so that all threads may use them.
  uv_loop_t* const loop_;
  const int fd_;
  const std::string path_;
};

}  // namespace cloakroom
