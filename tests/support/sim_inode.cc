#include "tests/support/sim_inode.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "store/base/check.h"

namespace cloakroom {
namespace {

struct NamedCount {
  const char* name;
  uint64_t SimDiskCounts::*count;
};
constexpr std::array kCounts = {
    NamedCount{"dropped", &SimDiskCounts::dropped},
    NamedCount{"torn", &SimDiskCounts::torn},
    NamedCount{"reordered", &SimDiskCounts::reordered},
    NamedCount{"lost sizes", &SimDiskCounts::lost_sizes},
    NamedCount{"lost names", &SimDiskCounts::lost_names},
    NamedCount{"cut writes", &SimDiskCounts::cut_writes},
    NamedCount{"flipped bits", &SimDiskCounts::flipped},
    NamedCount{"full", &SimDiskCounts::full},
    NamedCount{"failed writes", &SimDiskCounts::failed_writes},
    NamedCount{"failed syncs", &SimDiskCounts::failed_syncs},
    NamedCount{"slow", &SimDiskCounts::slow},
    NamedCount{"overtaken", &SimDiskCounts::overtaken},
};

std::string_view Part(const std::string& bytes, uint64_t from, uint64_t size) {
  return from >= bytes.size() ? std::string_view() : std::string_view(bytes).substr(from, size);
}

}  // namespace

void SimDiskCounts::Add(const SimDiskCounts& other) {
  for (const auto& [name, count] : kCounts) this->*count += other.*count;
}

std::string SimDiskCounts::Text() const {
  std::string text;
  for (const auto& [name, count] : kCounts)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, this->*count);
  return text;
}

uint64_t SimDiskCounts::Least() const {
  uint64_t least = UINT64_MAX;
  for (const auto& [name, count] : kCounts) least = std::min(least, this->*count);
  return least;
}

void SimInode::Dirty(uint64_t offset, uint64_t size) {
  if (size == 0) return;
  for (uint64_t sector = offset / kSectorBytes; sector <= (offset + size - 1) / kSectorBytes;
       ++sector)
    dirty_[sector] = true;
}

void SimInode::Write(uint64_t offset, std::string_view bytes) {
  if (bytes.empty()) return;
  if (offset + bytes.size() > live_.size()) {
    live_.resize(offset + bytes.size());
    ++sizes_changed_;
  }
  std::memcpy(live_.data() + offset, bytes.data(), bytes.size());
  reserved_ = std::max<uint64_t>(reserved_, live_.size());
  Dirty(offset, bytes.size());
  writes_.push_back({offset, bytes.size()});
}

void SimInode::Allocate(uint64_t end) {
  reserved_ = std::max(reserved_, end);
  if (end <= live_.size()) return;
  live_.resize(end);
  ++sizes_changed_;
}

void SimInode::Truncate(uint64_t size) {
  if (size == live_.size()) return;
  // What lies behind is zero if the file grows again.
  if (size < live_.size()) Dirty(size, live_.size() - size);
  live_.resize(size);
  reserved_ = size;
  ++sizes_changed_;
}

void SimInode::FlipBit(uint64_t bit) {
  const auto flip = [bit](std::string& bytes) {
    if (bit / 8 < bytes.size()) bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
  };
  flip(live_);
  flip(platter_);
}

SimInode::Snapshot SimInode::BeginSync() const {
  Snapshot snapshot{.sectors = {},
                    .size = live_.size(),
                    .writes = writes_synced_ + writes_.size(),
                    .sizes_changed = sizes_changed_};
  for (const auto& [sector, dirty] : dirty_)
    snapshot.sectors[sector] = Part(live_, sector * kSectorBytes, kSectorBytes);
  return snapshot;
}

void SimInode::EndSync(const Snapshot& snapshot, bool good) {
  // One that began later and has ended before did all that this one would.
  if (snapshot.writes < writes_synced_ || snapshot.sizes_changed < sizes_synced_) return;
  if (good) platter_.resize(snapshot.size);
  for (const auto& [sector, bytes] : snapshot.sectors) {
    const uint64_t at = sector * kSectorBytes;
    if (good && !bytes.empty()) std::memcpy(platter_.data() + at, bytes.data(), bytes.size());
    if (Part(live_, at, kSectorBytes) == bytes) dirty_.erase(sector);
  }
  for (; writes_synced_ < snapshot.writes; ++writes_synced_) writes_.pop_front();
  sizes_synced_ = snapshot.sizes_changed;
}

void SimInode::KeepSome(Random& random, std::string& platter) const {
  const uint64_t keep_percent = 25 + random.Below(51);  // all or nothing is KeepFirst's
  for (const auto& [sector, dirty] : dirty_) {
    if (random.Below(100) >= keep_percent) continue;
    const uint64_t at = sector * kSectorBytes;
    const std::string_view bytes = Part(live_, at, kSectorBytes);
    for (size_t i = 0; i < bytes.size() && at + i < platter.size(); ++i) platter[at + i] = bytes[i];
  }
}

void SimInode::KeepFirst(Random& random, bool last, std::string& platter) const {
  uint64_t total = 0;
  for (const Extent& write : writes_) total += write.size;
  uint64_t left = random.Below(total + 1);
  for (const Extent& write : writes_) {
    const bool cut = left < write.size;
    const uint64_t size = !cut ? write.size : last ? left : WholeSectors(write.offset, left);
    left -= cut ? left : size;
    // A sector goes out with what stood in it before.
    const uint64_t from = write.offset / kSectorBytes * kSectorBytes;
    if (size == 0) return;
    const std::string_view bytes = Part(live_, from, write.offset - from + size);
    for (size_t i = 0; i < bytes.size() && from + i < platter.size(); ++i)
      platter[from + i] = bytes[i];
  }
}

void SimInode::Count(const std::string& platter, SimDiskCounts& counts) const {
  bool lost_before = false;
  bool reordered = false;
  for (const Extent& write : writes_) {
    const std::string_view wanted = Part(live_, write.offset, write.size);
    const std::string_view found = Part(platter, write.offset, write.size);
    // Zeros look kept wherever nothing was written.
    size_t kept = 0;
    size_t all = 0;
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (wanted[i] == '\0') continue;
      ++all;
      if (i < found.size() && wanted[i] == found[i]) ++kept;
    }
    reordered = reordered || (lost_before && kept > 0);
    if (kept == all) continue;
    ++(kept > 0 ? counts.torn : counts.dropped);
    lost_before = true;
  }
  if (reordered) ++counts.reordered;
}

void SimInode::Crash(Random& random, bool last, SimDiskCounts& counts) {
  std::string platter = platter_;
  if (sizes_changed_ != sizes_synced_) {
    if (random.Below(2) == 0)
      platter.resize(live_.size());
    else if (platter.size() != live_.size())
      ++counts.lost_sizes;
  }
  // Either sectors went out as it pleased the disk, or bytes in the order of the writes.
  if (random.Below(4) > 0)
    KeepSome(random, platter);
  else
    KeepFirst(random, last, platter);
  Count(platter, counts);
  *this = SimInode();
  live_ = platter_ = std::move(platter);
  reserved_ = live_.size();
}

}  // namespace cloakroom
