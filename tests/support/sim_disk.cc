#include "tests/support/sim_disk.h"

#include <algorithm>
#include <utility>

#include "store/base/check.h"
#include "store/env/disk_path.h"
#include "tests/support/sim_file.h"

namespace cloakroom {
namespace {

bool IsRoot(const std::string& path) { return path == "/" || path == "."; }

tl::unexpected<Error> Missing(const char* verb, const std::string& path) {
  return Fail(Code::kNotFound, "cannot {} {}: No such file or directory", verb, path);
}

}  // namespace

void SimDisk::Begin(std::function<void()> end, std::function<void()> kill) {
  int64_t due_us = clock_.MonotonicUs();
  if (Chance(faults.slow)) {
    due_us += static_cast<int64_t>(random_.Below(static_cast<uint64_t>(faults.slow_ms) * 1000));
    ++counts_.slow;
  }
  calls_.push_back({next_number_++, due_us, random_.Draw(), std::move(end), std::move(kill)});
}

bool SimDisk::Poll() {
  const int64_t now_us = clock_.MonotonicUs();
  const auto later = std::stable_partition(
      calls_.begin(), calls_.end(), [now_us](const Call& call) { return call.due_us <= now_us; });
  std::vector<Call> due(std::move_iterator(calls_.begin()), std::move_iterator(later));
  calls_.erase(calls_.begin(), later);
  std::sort(due.begin(), due.end(), [](const Call& a, const Call& b) {
    return a.due_us != b.due_us ? a.due_us < b.due_us : a.tie < b.tie;
  });
  uint64_t newest = 0;
  for (const Call& call : due) {
    if (call.number < newest) ++counts_.overtaken;
    newest = std::max(newest, call.number);
  }
  for (const Call& call : due) call.end();
  return !due.empty();
}

void SimDisk::KillProcess() {
  for (const Call& call : std::exchange(calls_, {})) call.kill();
}

Result<void> SimDisk::UsePower() {
  if (power_left == UINT64_MAX) return {};
  if (power_left == 0) return Fail(Code::kIo, "the power is off");
  --power_left;
  return {};
}

void SimDisk::Crash() {
  KillProcess();
  power_left = UINT64_MAX;
  // A journal keeps the order of such changes, over all directories.
  const size_t kept = random_.Below(changes_.size() + 1);
  counts_.lost_names += changes_.size() - kept;
  for (size_t i = 0; i < kept; ++i) ApplyTo(platter_names_, changes_[i]);
  changes_.clear();
  std::erase_if(platter_names_, [this](const auto& entry) {
    const std::string directory = DirectoryOf(entry.first);
    return !IsRoot(directory) && !platter_names_.contains(directory);
  });
  names_ = platter_names_;
  uint64_t newest = 0;
  for (const auto& [path, inode] : names_)
    if (inode) newest = std::max(newest, inode->newest_write);
  for (auto& [path, inode] : names_)
    if (inode) inode->Crash(random_, inode->newest_write == newest, counts_);
}

void SimDisk::FlipBit(const std::string& path, uint64_t bit) {
  CHECK(bit / 8 < Contents(path).size());
  names_.at(path)->FlipBit(bit);
  ++counts_.flipped;
}

uint64_t SimDisk::UsedBytes() const {
  uint64_t used = 0;
  for (const auto& [path, inode] : names_)
    if (inode) used += std::max<uint64_t>(inode->reserved(), inode->live().size());
  return used;
}

const std::string& SimDisk::Contents(const std::string& path) const {
  const auto found = names_.find(path);
  CHECK(found != names_.end() && found->second);
  return found->second->live();
}

// Names

bool SimDisk::IsDirectory(const std::string& path) const {
  if (IsRoot(path)) return true;
  const auto found = names_.find(path);
  return found != names_.end() && !found->second;
}

void SimDisk::ApplyTo(Names& names, const NameChange& change) {
  if (!change.from.empty()) names.erase(change.from);
  if (!change.to.empty()) names[change.to] = change.inode;
}

void SimDisk::Change(NameChange change) {
  ApplyTo(names_, change);
  changes_.push_back(std::move(change));
}

Result<DiskFilePtr> SimDisk::OpenNow(const std::string& path, Mode mode) {
  const auto found = names_.find(path);
  InodePtr inode = found == names_.end() ? nullptr : found->second;
  if (mode == Mode::kCreate) {
    TRY_VOID(UsePower());
  }
  if (inode == nullptr) {
    if (mode != Mode::kCreate || !IsDirectory(DirectoryOf(path))) return Missing("open", path);
    inode = std::make_shared<SimInode>();
    Change({.directory = DirectoryOf(path), .from = "", .to = path, .inode = inode});
  } else if (mode == Mode::kCreate) {
    inode->Truncate(0);
  }
  return DiskFilePtr(new SimFile(*this, path, std::move(inode), mode != Mode::kRead));
}

Result<void> SimDisk::RenameNow(const std::string& from, const std::string& to) {
  TRY_VOID(UsePower());
  const auto found = names_.find(from);
  if (found == names_.end() || !IsDirectory(DirectoryOf(to))) return Missing("rename", from);
  Change({.directory = DirectoryOf(to), .from = from, .to = to, .inode = found->second});
  return {};
}

Result<void> SimDisk::RemoveNow(const std::string& path) {
  TRY_VOID(UsePower());
  const auto found = names_.find(path);
  if (found == names_.end() || !found->second) return Missing("remove", path);
  Change({.directory = DirectoryOf(path), .from = path, .to = "", .inode = nullptr});
  return {};
}

Result<void> SimDisk::SyncDirectoryNow(const std::string& directory) {
  TRY_VOID(UsePower());
  if (!IsDirectory(directory)) return Missing("open", directory);
  std::erase_if(changes_, [this, &directory](const NameChange& change) {
    if (change.directory != directory) return false;
    ApplyTo(platter_names_, change);
    return true;
  });
  return {};
}

Result<void> SimDisk::MakeDirectoryNow(const std::string& directory) {
  TRY_VOID(UsePower());
  if (IsDirectory(directory)) return {};
  if (!IsDirectory(DirectoryOf(directory))) return Missing("make", directory);
  Change({.directory = DirectoryOf(directory), .from = "", .to = directory, .inode = nullptr});
  return {};
}

Result<std::vector<std::string>> SimDisk::ListNow(const std::string& directory) {
  if (!IsDirectory(directory)) return Missing("list", directory);
  std::vector<std::string> names;
  for (const auto& [path, inode] : names_)
    if (inode && DirectoryOf(path) == directory) names.push_back(path.substr(path.rfind('/') + 1));
  return names;
}

void SimDisk::Open(std::string path, Mode mode, OpenDone done) {
  Begin([this, path, mode, done = std::move(done)] { done(OpenNow(path, mode)); },
        [this, path, mode] {
          if (Chance(500)) std::ignore = OpenNow(path, mode);
        });
}

void SimDisk::Rename(std::string from, std::string to, Done done) {
  Begin([this, from, to, done = std::move(done)] { done(RenameNow(from, to)); },
        [this, from, to] {
          if (Chance(500)) std::ignore = RenameNow(from, to);
        });
}

void SimDisk::Remove(std::string path, Done done) {
  Begin([this, path, done = std::move(done)] { done(RemoveNow(path)); },
        [this, path] {
          if (Chance(500)) std::ignore = RemoveNow(path);
        });
}

void SimDisk::SyncDirectory(std::string directory, Done done) {
  Begin([this, directory, done = std::move(done)] { done(SyncDirectoryNow(directory)); },
        [this, directory] {
          if (Chance(500)) std::ignore = SyncDirectoryNow(directory);
        });
}

// Contents

Result<void> SimDisk::WriteTo(SimInode& inode, const std::string& path, uint64_t offset,
                              std::string_view bytes) {
  inode.newest_write = ++writes_;
  const uint64_t held = std::max<uint64_t>(inode.reserved(), inode.live().size());
  const uint64_t used = UsedBytes();
  const uint64_t end_max = held + (capacity_bytes > used ? capacity_bytes - used : 0);
  if (capacity_bytes == UINT64_MAX || offset + bytes.size() <= end_max || bytes.empty()) {
    inode.Write(offset, bytes);
    return {};
  }
  if (offset < end_max)
    inode.Write(offset, bytes.substr(0, SimInode::WholeSectors(offset, end_max - offset)));
  ++counts_.full;
  return Fail(Code::kNoSpace, "cannot write to {}: No space left on device", path);
}

Result<void> SimDisk::AllocateTo(SimInode& inode, const std::string& path, uint64_t end) {
  const uint64_t held = std::max<uint64_t>(inode.reserved(), inode.live().size());
  const uint64_t used = UsedBytes();
  if (end > held && capacity_bytes != UINT64_MAX && used + (end - held) > capacity_bytes) {
    ++counts_.full;
    return Fail(Code::kNoSpace, "cannot reserve space for {}: No space left on device", path);
  }
  inode.Allocate(end);
  return {};
}

Result<void> SimDisk::EndSync(SimInode& inode, const std::string& path,
                              const SimInode::Snapshot& snapshot, bool may_fail) {
  const bool good = !may_fail || !Chance(faults.sync_fails);
  inode.EndSync(snapshot, good);
  if (good) return {};
  ++counts_.failed_syncs;
  return Fail(Code::kSyncFailed, "cannot sync {}: Input/output error", path);
}

}  // namespace cloakroom
