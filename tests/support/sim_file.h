#pragma once

#include <memory>
#include <string>

#include "tests/support/sim_disk.h"

namespace cloakroom {

/// An open file of a SimDisk, which outlives it.
class SimFile final : public DiskFile {
 public:
  SimFile(SimDisk& disk, std::string path, std::shared_ptr<SimInode> inode, bool writable)
      : disk_(disk),
        path_(std::move(path)),
        inode_(std::move(inode)),
        writable_(writable),
        open_(std::make_shared<bool>(true)) {}

  void Write(uint64_t offset, std::string bytes, Then then, WriteDone done) override;
  void Read(uint64_t offset, size_t size_bytes, ReadDone done) override;
  void Sync(Done done) override;
  void Allocate(uint64_t end, Done done) override;
  void Truncate(uint64_t size_bytes, Done done) override;

  [[nodiscard]] Result<size_t> ReadNow(uint64_t offset, std::span<char> space) override;
  [[nodiscard]] Result<void> WriteNow(uint64_t offset, std::string_view bytes) override;
  [[nodiscard]] Result<void> SyncNow() override;
  [[nodiscard]] Result<void> TruncateNow(uint64_t size_bytes) override;
  [[nodiscard]] Result<uint64_t> SizeNow() override { return inode_->live().size(); }
  void Close() override {
    *open_ = false;
    delete this;
  }

 private:
  SimDisk& disk_;
  const std::string path_;
  const std::shared_ptr<SimInode> inode_;
  const bool writable_;
  const std::shared_ptr<bool> open_;  // calls under way tell only while it is
};

}  // namespace cloakroom
