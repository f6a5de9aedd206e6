#include "tests/support/sim_file.h"

#include <algorithm>
#include <utility>

namespace cloakroom {
namespace {

Result<size_t> ReadFrom(const SimInode& inode, uint64_t offset, std::span<char> space) {
  const std::string& live = inode.live();
  if (offset >= live.size()) return size_t{0};
  const size_t size = std::min<size_t>(space.size(), live.size() - offset);
  std::copy_n(live.data() + offset, size, space.data());
  return size;
}

}  // namespace

void SimFile::Write(uint64_t offset, std::string bytes, Then then, WriteDone done) {
  auto shared = std::make_shared<std::string>(std::move(bytes));
  const auto part = [this_disk = &disk_, inode = inode_, path = path_, offset,
                     shared](size_t size) {
    return this_disk->WriteTo(*inode, path, offset, std::string_view(*shared).substr(0, size));
  };
  const auto some = [this_disk = &disk_, shared, part] {
    const size_t size = this_disk->random_.Below(shared->size() + 1);
    if (size < shared->size() && part(size)) ++this_disk->counts_.cut_writes;
    if (size == shared->size()) std::ignore = part(size);
  };
  const auto end = [this_disk = &disk_, inode = inode_, path = path_, open = open_, offset, shared,
                    part, writable = writable_, then, done = std::move(done)] {
    Result<void> result;
    if (!writable) {
      result = Fail(Code::kIo, "cannot write to {}: Bad file descriptor", path);
    } else if (this_disk->Chance(this_disk->faults.write_fails)) {
      const uint64_t size = this_disk->random_.Below(shared->size() + 1);
      std::ignore = part(SimInode::WholeSectors(offset, size));
      ++this_disk->counts_.failed_writes;
      result = Fail(Code::kIo, "cannot write to {}: Input/output error", path);
    } else {
      result = part(shared->size());
    }
    if (result && then == Then::kSync)
      result = this_disk->EndSync(*inode, path, inode->BeginSync(), true);
    if (*open) done(std::move(result), std::move(*shared));
  };
  disk_.Begin(end, some);
}

void SimFile::Read(uint64_t offset, size_t size_bytes, ReadDone done) {
  const auto end = [inode = inode_, open = open_, offset, size_bytes, done = std::move(done)] {
    std::string bytes(size_bytes, '\0');
    bytes.resize(*ReadFrom(*inode, offset, bytes));
    if (*open) done(std::move(bytes));
  };
  disk_.Begin(end, [] {});
}

void SimFile::Sync(Done done) {
  const auto sync = [this_disk = &disk_, inode = inode_, path = path_,
                     snapshot = inode_->BeginSync()](bool may_fail) {
    return this_disk->EndSync(*inode, path, snapshot, may_fail);
  };
  disk_.Begin(
      [sync, open = open_, done = std::move(done)] {
        Result<void> result = sync(true);
        if (*open) done(std::move(result));
      },
      [sync, this_disk = &disk_] {
        if (this_disk->Chance(500)) std::ignore = sync(false);
      });
}

void SimFile::Allocate(uint64_t end, Done done) {
  const auto allocate = [this_disk = &disk_, inode = inode_, path = path_, end] {
    return this_disk->AllocateTo(*inode, path, end);
  };
  disk_.Begin(
      [allocate, open = open_, done = std::move(done)] {
        Result<void> result = allocate();
        if (*open) done(std::move(result));
      },
      [allocate, this_disk = &disk_] {
        if (this_disk->Chance(500)) std::ignore = allocate();
      });
}

void SimFile::Truncate(uint64_t size_bytes, Done done) {
  const auto truncate = [inode = inode_, size_bytes] { inode->Truncate(size_bytes); };
  disk_.Begin(
      [truncate, open = open_, done = std::move(done)] {
        truncate();
        if (*open) done({});
      },
      [truncate, this_disk = &disk_] {
        if (this_disk->Chance(500)) truncate();
      });
}

Result<size_t> SimFile::ReadNow(uint64_t offset, std::span<char> space) {
  if (disk_.unreadable.contains(path_))
    return Fail(Code::kIo, "cannot read {}: Input/output error", path_);
  return ReadFrom(*inode_, offset, space);
}

Result<void> SimFile::WriteNow(uint64_t offset, std::string_view bytes) {
  if (!writable_) return Fail(Code::kIo, "cannot write to {}: Bad file descriptor", path_);
  TRY_VOID(disk_.UsePower());
  return disk_.WriteTo(*inode_, path_, offset, bytes);
}

Result<void> SimFile::SyncNow() {
  TRY_VOID(disk_.UsePower());
  return disk_.EndSync(*inode_, path_, inode_->BeginSync(), false);
}

Result<void> SimFile::TruncateNow(uint64_t size_bytes) {
  TRY_VOID(disk_.UsePower());
  inode_->Truncate(size_bytes);
  return {};
}

}  // namespace cloakroom
