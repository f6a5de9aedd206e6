#include "store/table/user_refs.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "store/base/check.h"
#include "store/base/coding.h"
#include "store/base/hash.h"

namespace cloakroom {
namespace {

constexpr uint16_t kFarBit = 1 << 15;
constexpr size_t kNearBytes = 6;
constexpr size_t kFarBytes = 8;
constexpr size_t kPairBytesMax = kFarBytes;
constexpr size_t kTagBytes = 2;
constexpr size_t kSlotAt = 6;

constexpr uint32_t kPairsALeaf = 72;      // a leaf between two splits has up to twice as many
constexpr uint32_t kLeavesMax = 1 << 16;  // a tag cannot tell more apart
constexpr size_t kPlacesAStep = 4;

uint16_t TagOf(const Position& user) {
  const auto tag = static_cast<uint16_t>(user.hash >> 16);
  return tag == 0 ? uint16_t{1} : tag;
}

/// Linear hashing: of `leaves`, the one for `tag`.
uint32_t LeafOf(uint16_t tag, uint32_t leaves) {
  const uint32_t half = std::bit_floor(leaves);
  const uint32_t leaf = tag & (2 * half - 1);
  return leaf < leaves ? leaf : leaf - half;
}

uint16_t TagAt(const char* pair) { return LoadInt<uint16_t>(pair); }

/// The bytes of a pair; of a near one the first six are stored.
struct Pair {
  char bytes[kPairBytesMax];

  Pair(const Position& user, const Position& session) {
    const BriefPosition brief = BriefPosition::Of(session);
    StoreInt(bytes, TagOf(user));
    StoreInt(bytes + kTagBytes, brief.bits);
    StoreInt(bytes + kSlotAt, brief.slot);
  }
};

/// How many bytes of a leaf are pairs: its last places may be free.
size_t UsedBytes(std::string_view places, size_t pair_bytes) {
  size_t used = places.size();
  while (used > 0 && TagAt(places.data() + used - pair_bytes) == 0) used -= pair_bytes;
  return used;
}

}  // namespace

UserRefs::UserRefs(const uint64_t* seed)
    : seed_(seed),
      table_({.count_slots = false, .expires = false, .locate = &Locate, .context = seed}) {}

Position UserRefs::Locate(const void* seed, std::string_view key) {
  const auto slot = static_cast<uint16_t>(LoadInt<uint16_t>(key.data()) & ~kFarBit);
  return {slot, HashBytes(key, *static_cast<const uint64_t*>(seed))};
}

KeyRef UserRefs::Ref(uint16_t group, uint32_t leaf) const {
  key_.assign(reinterpret_cast<const char*>(&group), sizeof group);
  AppendVarint(key_, leaf);
  return {key_, Locate(seed_, key_)};
}

UserRefs::Group UserRefs::GroupOf(uint16_t slot, bool far) {
  std::unique_ptr<Slot[]>& slots = far ? far_ : near_;
  if (!slots) slots = std::make_unique<Slot[]>(kSlotCount);
  return {static_cast<uint16_t>(slot | (far ? kFarBit : 0)), far ? kFarBytes : kNearBytes,
          slots[slot]};
}

size_t UserRefs::Add(const Position& user, const Position& session) {
  const Group group = GroupOf(user.slot, user.slot != session.slot);
  if (group.slot.leaves == 0) group.slot.leaves = 1;
  const Pair pair(user, session);
  const KeyRef key = Ref(group.id, LeafOf(TagOf(user), group.slot.leaves));
  Entry* leaf = table_.Find(key);
  size_t used = 0;
  if (leaf == nullptr) {
    // The first pair of a leaf is often the only one for a while.
    leaf = table_.Insert(key, ValueType::kUserIndex, Encoding::kPlain, group.pair_bytes);
  } else {
    used = UsedBytes(leaf->value(), group.pair_bytes);
    if (used == leaf->value_size()) {
      const size_t step = kPlacesAStep * group.pair_bytes;
      leaf = table_.Resize(key, leaf, used + step);
      std::memset(leaf->value_data() + used, 0, step);
    }
  }
  std::memcpy(leaf->value_data() + used, pair.bytes, group.pair_bytes);
  size_t alike = 0;
  for (size_t at = 0; at <= used; at += group.pair_bytes)
    if (TagAt(leaf->value_data() + at) == TagOf(user)) ++alike;
  ++size_;
  if (++group.slot.pairs > group.slot.leaves * kPairsALeaf && group.slot.leaves < kLeavesMax)
    Grow(group);
  return alike;
}

void UserRefs::Remove(const Position& user, const Position& session) {
  const Group group = GroupOf(user.slot, user.slot != session.slot);
  CHECK(group.slot.pairs > 0);
  const Pair pair(user, session);
  const KeyRef key = Ref(group.id, LeafOf(TagOf(user), group.slot.leaves));
  Entry* const leaf = table_.Find(key);
  CHECK(leaf != nullptr);
  const size_t size = leaf->value_size();
  const size_t used = UsedBytes(leaf->value(), group.pair_bytes);
  char* const pairs = leaf->value_data();
  char* at = pairs;
  while (at < pairs + used && std::memcmp(at, pair.bytes, group.pair_bytes) != 0)
    at += group.pair_bytes;
  CHECK(at < pairs + used);
  char* const last = pairs + used - group.pair_bytes;
  std::memmove(at, last, group.pair_bytes);
  std::memset(last, 0, group.pair_bytes);
  const size_t left = used - group.pair_bytes;
  if (left == 0)
    table_.Erase(key, leaf);
  else if (left + kPlacesAStep * group.pair_bytes <= size)
    (void)table_.Resize(key, leaf, left);
  --size_;
  --group.slot.pairs;
  if (group.slot.leaves > 1 && group.slot.pairs < (group.slot.leaves - 1) * (kPairsALeaf / 2))
    Shrink(group);
}

void UserRefs::FindIn(const Slot* slots, const Position& user, bool far,
                      std::vector<BriefPosition>& out) const {
  if (slots == nullptr || slots[user.slot].pairs == 0) return;
  const uint16_t tag = TagOf(user);
  const auto group = static_cast<uint16_t>(user.slot | (far ? kFarBit : 0));
  const Entry* const leaf = table_.Find(Ref(group, LeafOf(tag, slots[user.slot].leaves)));
  if (leaf == nullptr) return;
  const size_t pair_bytes = far ? kFarBytes : kNearBytes;
  const std::string_view pairs = leaf->value();
  for (const char* at = pairs.data(); at < pairs.end(); at += pair_bytes)
    if (TagAt(at) == tag)
      out.push_back(
          {far ? LoadInt<uint16_t>(at + kSlotAt) : user.slot, LoadInt<uint32_t>(at + kTagBytes)});
}

void UserRefs::Find(const Position& user, std::vector<BriefPosition>& out) const {
  FindIn(near_.get(), user, false, out);
  FindIn(far_.get(), user, true, out);
}

std::string UserRefs::PairsOf(const Group& group, uint32_t leaf) const {
  const Entry* const entry = table_.Find(Ref(group.id, leaf));
  if (entry == nullptr) return {};
  return std::string(entry->value().substr(0, UsedBytes(entry->value(), group.pair_bytes)));
}

void UserRefs::Write(const Group& group, uint32_t leaf, std::string_view pairs) {
  const KeyRef key = Ref(group.id, leaf);
  Entry* entry = table_.Find(key);
  if (pairs.empty()) {
    if (entry != nullptr) table_.Erase(key, entry);
    return;
  }
  entry = entry == nullptr
              ? table_.Insert(key, ValueType::kUserIndex, Encoding::kPlain, pairs.size())
              : table_.Resize(key, entry, pairs.size());
  std::memcpy(entry->value_data(), pairs.data(), pairs.size());
}

void UserRefs::Grow(const Group& group) {
  const uint32_t fresh = group.slot.leaves++;
  const uint32_t old = fresh - std::bit_floor(fresh);
  const std::string pairs = PairsOf(group, old);
  std::string stay;
  std::string go;
  for (size_t at = 0; at < pairs.size(); at += group.pair_bytes) {
    const bool goes = LeafOf(TagAt(pairs.data() + at), group.slot.leaves) == fresh;
    (goes ? go : stay).append(pairs, at, group.pair_bytes);
  }
  Write(group, old, stay);
  Write(group, fresh, go);
}

void UserRefs::Shrink(const Group& group) {
  const uint32_t gone = --group.slot.leaves;
  const uint32_t into = gone - std::bit_floor(gone);
  const std::string pairs = PairsOf(group, gone);
  Write(group, gone, {});
  if (!pairs.empty()) Write(group, into, PairsOf(group, into) + pairs);
}

bool UserRefs::Drain(size_t budget) {
  return table_.Drain(budget, [](Entry*) {});
}

Table::Memory UserRefs::memory() const {
  Table::Memory memory = table_.memory();
  memory.index_bytes += ((near_ ? 1 : 0) + (far_ ? 1 : 0)) * kSlotCount * sizeof(Slot);
  return memory;
}

}  // namespace cloakroom
