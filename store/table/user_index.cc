#include "store/table/user_index.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "store/base/check.h"
#include "store/base/coding.h"
#include "store/base/hash.h"

namespace cloakroom {
namespace {

constexpr uint8_t kOrderedFlag = 1;
constexpr uint8_t kMarkedFlag = 2;
constexpr size_t kU48 = 6;
constexpr size_t kPointerBytes = sizeof(void*);

/// An entry's value taken apart.
struct Value {
  TimeMs marked_at = 0;
  ManySessions* many = nullptr;
};

Value ReadValue(const Entry& entry) {
  std::string_view bytes = entry.value();
  const auto flags = static_cast<uint8_t>(bytes[0]);
  bytes.remove_prefix(1);
  Value value;
  if ((flags & kMarkedFlag) != 0) {
    std::memcpy(&value.marked_at, bytes.data(), kU48);
    bytes.remove_prefix(kU48);
  }
  if ((flags & kOrderedFlag) != 0) std::memcpy(&value.many, bytes.data(), kPointerBytes);
  return value;
}

UserIndex::User Seen(const Entry& entry) {
  const Value value = ReadValue(entry);
  return {value.marked_at, entry.deadline(), value.many};
}

}  // namespace

bool ManySessions::Add(const UserSession& session) {
  const auto [it, fresh] = by_handle_.emplace(session.handle, session.order());
  if (!fresh) return false;
  if (by_seen_.emplace(session.order(), Named{session.handle, session.key}).second) return true;
  by_handle_.erase(it);
  return false;
}

bool ManySessions::Remove(const SessionHandle& handle) {
  const auto it = by_handle_.find(handle);
  if (it == by_handle_.end()) return false;
  by_seen_.erase(it->second);
  by_handle_.erase(it);
  return true;
}

void ManySessions::Moved(const SessionHandle& handle, TimeMs seen) {
  const auto it = by_handle_.find(handle);
  CHECK(it != by_handle_.end());
  auto node = by_seen_.extract(it->second);
  it->second.first = seen;
  node.key() = it->second;
  by_seen_.insert(std::move(node));
}

const SessionKey* ManySessions::Find(const SessionHandle& handle) const {
  const auto it = by_handle_.find(handle);
  return it == by_handle_.end() ? nullptr : &by_seen_.at(it->second).key;
}

SessionKey ManySessions::TakeAny() {
  const auto it = by_seen_.begin();
  const SessionKey key = it->second.key;
  by_handle_.erase(it->second.handle);
  by_seen_.erase(it);
  return key;
}

void ManySessions::NewestFirst(const SeenSerial* after,
                               FunctionRef<bool(const UserSession&)> visit) const {
  auto it = after == nullptr ? by_seen_.end() : by_seen_.lower_bound(*after);
  while (it != by_seen_.begin()) {
    --it;
    if (!visit({it->first.first, it->first.second, it->second.handle, it->second.key})) return;
  }
}

void ManySessions::OldestFirst(FunctionRef<bool(const UserSession&)> visit) const {
  for (const auto& [order, named] : by_seen_)
    if (!visit({order.first, order.second, named.handle, named.key})) return;
}

UserIndex::UserIndex(uint64_t hash_seed)
    : seed_(hash_seed),
      table_({.count_slots = false, .expires = true, .locate = &Locate, .context = &seed_}),
      refs_(&seed_) {}

UserIndex::~UserIndex() {
  while (ordered_users_ > 0 && !Drain(1 << 16, [](std::unique_ptr<ManySessions>) {})) {
  }
}

Position UserIndex::Locate(const void* seed, std::string_view key) {
  uint64_t ns = 0;
  const char* const user = GetVarint(key.data(), key.data() + key.size(), &ns);
  CHECK(user != nullptr);
  return {SlotOf({user, static_cast<size_t>(key.end() - user)}),
          HashBytes(key, *static_cast<const uint64_t*>(seed))};
}

KeyRef UserIndex::Ref(uint32_t ns, std::string_view user) const {
  key_.clear();
  AppendVarint(key_, ns);
  key_ += user;
  return {key_, {SlotOf(user), HashBytes(key_, seed_)}};
}

void UserIndex::Write(const KeyRef& key, Entry* entry, TimeMs marked_at, ManySessions* many) {
  if (marked_at == 0 && many == nullptr) {
    if (entry != nullptr) table_.Erase(key, entry);
    return;
  }
  const size_t size = 1 + (marked_at != 0 ? kU48 : 0) + (many != nullptr ? kPointerBytes : 0);
  entry = entry == nullptr ? table_.Insert(key, ValueType::kUserIndex, Encoding::kPlain, size)
                           : table_.Resize(key, entry, size);
  char* out = entry->value_data();
  *out++ =
      static_cast<char>((many != nullptr ? kOrderedFlag : 0) | (marked_at != 0 ? kMarkedFlag : 0));
  if (marked_at != 0) {
    std::memcpy(out, &marked_at, kU48);
    out += kU48;
  }
  if (many != nullptr) std::memcpy(out, &many, kPointerBytes);
}

UserIndex::User UserIndex::Find(uint32_t ns, std::string_view user) const {
  if (table_.size() == 0) [[likely]]
    return {};
  const Entry* entry = table_.Find(Ref(ns, user));
  return entry == nullptr ? User{} : Seen(*entry);
}

std::vector<BriefPosition> UserIndex::Few(uint32_t ns, std::string_view user) const {
  std::vector<BriefPosition> places;
  refs_.Find(Ref(ns, user).position, places);
  // Two sessions whose places are alike: the place leads to both.
  std::sort(places.begin(), places.end());
  places.erase(std::unique(places.begin(), places.end()), places.end());
  return places;
}

size_t UserIndex::AddFew(uint32_t ns, std::string_view user, const SessionKey& key) {
  return refs_.Add(Ref(ns, user).position, key.position());
}

void UserIndex::RemoveFew(uint32_t ns, std::string_view user, const SessionKey& key) {
  refs_.Remove(Ref(ns, user).position, key.position());
}

bool UserIndex::Order(uint32_t ns, std::string_view user, const std::vector<UserSession>& sessions,
                      uint64_t made_at) {
  const KeyRef key = Ref(ns, user);
  Entry* const entry = table_.Find(key);
  const Value value = entry == nullptr ? Value{} : ReadValue(*entry);
  CHECK(value.many == nullptr);
  auto many = std::make_unique<ManySessions>(made_at);
  for (const UserSession& session : sessions)
    if (!many->Add(session)) return false;
  ordered_sessions_ += sessions.size();
  ++ordered_users_;
  Write(key, entry, value.marked_at, many.release());
  return true;
}

std::vector<SessionKey> UserIndex::Unorder(uint32_t ns, std::string_view user) {
  const KeyRef key = Ref(ns, user);
  Entry* const entry = table_.Find(key);
  if (entry == nullptr) return {};
  const Value value = ReadValue(*entry);
  if (value.many == nullptr || value.many->size() > kFewMax / 2) return {};
  std::vector<SessionKey> keys;
  value.many->OldestFirst([&](const UserSession& session) {
    keys.push_back(session.key);
    refs_.Add(key.position, session.key.position());
    return true;
  });
  ordered_sessions_ -= keys.size();
  --ordered_users_;
  delete value.many;
  Write(key, entry, value.marked_at, nullptr);
  return keys;
}

bool UserIndex::AddOrdered(uint32_t ns, std::string_view user, const UserSession& session) {
  const Entry* const entry = table_.Find(Ref(ns, user));
  CHECK(entry != nullptr);
  ManySessions* const many = ReadValue(*entry).many;
  CHECK(many != nullptr);
  if (!many->Add(session)) return false;
  ++ordered_sessions_;
  return true;
}

bool UserIndex::RemoveOrdered(uint32_t ns, std::string_view user, const SessionKey& session,
                              const SessionHandle& handle) {
  const Entry* const entry = table_.Find(Ref(ns, user));
  if (entry == nullptr) return false;
  ManySessions* const many = ReadValue(*entry).many;
  if (many == nullptr) return false;
  const SessionKey* const found = many->Find(handle);
  if (found == nullptr || *found != session) return false;
  --ordered_sessions_;
  return many->Remove(handle);
}

void UserIndex::Moved(uint32_t ns, std::string_view user, const SessionHandle& handle,
                      TimeMs seen) {
  const Entry* const entry = table_.Find(Ref(ns, user));
  CHECK(entry != nullptr);
  ManySessions* const many = ReadValue(*entry).many;
  CHECK(many != nullptr);
  many->Moved(handle, seen);
}

void UserIndex::Mark(uint32_t ns, std::string_view user, TimeMs time, TimeMs until) {
  const KeyRef key = Ref(ns, user);
  Entry* entry = table_.Find(key);
  Write(key, entry, time, entry == nullptr ? nullptr : ReadValue(*entry).many);
  entry = table_.Find(key);
  // A mark that a longer policy made before is not cut short.
  table_.SetDeadline(key, entry, std::max(entry->deadline(), until));
}

std::unique_ptr<ManySessions> UserIndex::Detach(uint32_t ns, std::string_view user) {
  const KeyRef key = Ref(ns, user);
  Entry* const entry = table_.Find(key);
  if (entry == nullptr) return nullptr;
  const Value value = ReadValue(*entry);
  if (value.many == nullptr) return nullptr;
  ordered_sessions_ -= value.many->size();
  --ordered_users_;
  Write(key, entry, value.marked_at, nullptr);
  return std::unique_ptr<ManySessions>(value.many);
}

bool UserIndex::Sweep(TimeMs now, size_t budget) {
  return table_.FireDue(now, budget, [this](const KeyRef& key, Entry* entry) {
    const Value value = ReadValue(*entry);
    if (value.many == nullptr) return table_.Erase(key, entry);
    key_.assign(key.bytes);  // the entry, and its key with it, may move
    const KeyRef same = {key_, key.position};
    Write(same, entry, 0, value.many);
    table_.SetDeadline(same, table_.Find(same), kNoDeadline);
  });
}

bool UserIndex::Compact(size_t budget) {
  const bool table = table_.Compact(budget);
  return refs_.Compact(budget) && table;
}

bool UserIndex::Drain(size_t budget, FunctionRef<void(std::unique_ptr<ManySessions>)> take) {
  const bool drained = table_.Drain(budget, [&](Entry* entry) {
    const Value value = ReadValue(*entry);
    if (value.many == nullptr) return;
    ordered_sessions_ -= value.many->size();
    --ordered_users_;
    take(std::unique_ptr<ManySessions>(value.many));
  });
  return drained && refs_.Drain(budget);
}

Table::Memory UserIndex::memory() const {
  Table::Memory memory = table_.memory();
  const Table::Memory refs = refs_.memory();
  memory.index_bytes += refs.index_bytes;
  memory.slab_bytes += refs.slab_bytes;
  memory.block_bytes += refs.block_bytes;
  memory.large_bytes += refs.large_bytes + ordered_sessions_ * ManySessions::kBytesEach;
  return memory;
}

UserIndex::UserMark UserIndex::ReadMark(const Entry& entry) {
  const std::string_view key = entry.key();
  uint64_t ns = 0;
  const char* const user = GetVarint(key.data(), key.data() + key.size(), &ns);
  return {static_cast<uint32_t>(ns),
          {user, static_cast<size_t>(key.end() - user)},
          ReadValue(entry).marked_at,
          entry.deadline()};
}

void UserIndex::ForEach(
    FunctionRef<void(uint32_t ns, std::string_view user, const User& sessions)> visit) const {
  uint64_t cursor = 0;
  do {
    cursor = table_.Scan(cursor, [&](Entry& entry) {
      const UserMark mark = ReadMark(entry);
      visit(mark.ns, mark.user, Seen(entry));
    });
  } while (cursor != 0);
}

}  // namespace cloakroom
