#include "store/table/user_index.h"

#include <algorithm>
#include <cstring>

#include "store/base/check.h"
#include "store/base/coding.h"
#include "store/base/hash.h"

namespace cloakroom {
namespace {

constexpr uint8_t kOrderedFlag = 1;
constexpr uint8_t kMarkedFlag = 2;
constexpr size_t kU48 = 6;

/// An entry's value taken apart.
struct Value {
  TimeMs marked_at = 0;
  ManySessions* many = nullptr;
  std::string_view few;
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
  if ((flags & kOrderedFlag) != 0)
    std::memcpy(&value.many, bytes.data(), sizeof(void*));
  else
    value.few = bytes;
  return value;
}

std::string_view PointerBytes(ManySessions* const& many) {
  return {reinterpret_cast<const char*>(&many), sizeof(void*)};
}

UserIndex::User Seen(const Entry& entry) {
  const Value value = ReadValue(entry);
  return {true, value.marked_at, entry.deadline(), value.few, value.many};
}

}  // namespace

void ManySessions::Add(const UserSession& session) {
  CHECK(by_handle_.emplace(session.handle, session.order()).second);
  CHECK(by_seen_.emplace(session.order(), Named{session.handle, session.key}).second);
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
      table_({.count_slots = false, .expires = true, .locate = &Locate, .context = &seed_}) {}

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

void UserIndex::Write(const KeyRef& key, Entry* entry, TimeMs marked_at, bool ordered,
                      std::string_view rest) {
  if (marked_at == 0 && rest.empty()) {
    if (entry != nullptr) table_.Erase(key, entry);
    return;
  }
  // `rest` may lie in the entry that is about to move.
  value_.clear();
  value_ += static_cast<char>((ordered ? kOrderedFlag : 0) | (marked_at != 0 ? kMarkedFlag : 0));
  if (marked_at != 0) value_.append(reinterpret_cast<const char*>(&marked_at), kU48);
  value_ += rest;
  entry = entry == nullptr
              ? table_.Insert(key, ValueType::kUserIndex, Encoding::kPlain, value_.size())
              : table_.Resize(key, entry, value_.size());
  std::memcpy(entry->value_data(), value_.data(), value_.size());
}

UserIndex::User UserIndex::Find(uint32_t ns, std::string_view user) const {
  const Entry* entry = table_.Find(Ref(ns, user));
  return entry == nullptr ? User{} : Seen(*entry);
}

UserIndex::Added UserIndex::Add(uint32_t ns, std::string_view user, const UserSession& session) {
  const KeyRef key = Ref(ns, user);
  Entry* entry = table_.Find(key);
  const Value value = entry == nullptr ? Value{} : ReadValue(*entry);
  if (value.many != nullptr) {
    value.many->Add(session);
    ++ordered_sessions_;
    return Added::kOrdered;
  }
  if (value.few.size() >= kFewMax * SessionKey::kBytes) return Added::kFull;
  if (entry == nullptr) {
    Write(key, nullptr, 0, false, session.key.view());
  } else {
    const size_t size = entry->value_size();
    entry = table_.Resize(key, entry, size + SessionKey::kBytes);
    std::memcpy(entry->value_data() + size, session.key.bytes.data(), SessionKey::kBytes);
  }
  return Added::kPacked;
}

void UserIndex::Order(uint32_t ns, std::string_view user, const std::vector<UserSession>& sessions,
                      uint64_t made_at) {
  const KeyRef key = Ref(ns, user);
  Entry* const entry = table_.Find(key);
  CHECK(entry != nullptr && ReadValue(*entry).many == nullptr);
  auto* const many = new ManySessions(made_at);
  for (const UserSession& session : sessions) many->Add(session);
  ordered_sessions_ += sessions.size();
  ++ordered_users_;
  Write(key, entry, ReadValue(*entry).marked_at, true, PointerBytes(many));
}

std::vector<SessionKey> UserIndex::Pack(uint32_t ns, std::string_view user) {
  const KeyRef key = Ref(ns, user);
  Entry* const entry = table_.Find(key);
  if (entry == nullptr) return {};
  const Value value = ReadValue(*entry);
  if (value.many == nullptr || value.many->size() > kFewMax / 2) return {};
  std::vector<SessionKey> keys;
  std::string packed;
  value.many->OldestFirst([&](const UserSession& session) {
    keys.push_back(session.key);
    packed += session.key.view();
    return true;
  });
  ordered_sessions_ -= keys.size();
  --ordered_users_;
  delete value.many;
  Write(key, entry, value.marked_at, false, packed);
  return keys;
}

bool UserIndex::Remove(uint32_t ns, std::string_view user, const SessionKey& session,
                       const SessionHandle& handle) {
  const KeyRef key = Ref(ns, user);
  Entry* const entry = table_.Find(key);
  if (entry == nullptr) return false;
  const Value value = ReadValue(*entry);
  if (value.many != nullptr) {
    const SessionKey* const found = value.many->Find(handle);
    if (found == nullptr || *found != session) return false;
    --ordered_sessions_;
    return value.many->Remove(handle);
  }
  for (size_t at = 0; at < value.few.size(); at += SessionKey::kBytes) {
    if (value.few.substr(at, SessionKey::kBytes) != session.view()) continue;
    std::string rest(value.few);
    rest.erase(at, SessionKey::kBytes);
    Write(key, entry, value.marked_at, false, rest);
    return true;
  }
  return false;
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
  const Value value = entry == nullptr ? Value{} : ReadValue(*entry);
  if (value.many != nullptr)
    Write(key, entry, time, true, PointerBytes(value.many));
  else
    Write(key, entry, time, false, value.few);
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
  Write(key, entry, value.marked_at, false, {});
  return std::unique_ptr<ManySessions>(value.many);
}

bool UserIndex::Sweep(TimeMs now, size_t budget) {
  return table_.FireDue(now, budget, [this](const KeyRef& key, Entry* entry) {
    const Value value = ReadValue(*entry);
    if (value.many == nullptr && value.few.empty()) return table_.Erase(key, entry);
    key_.assign(key.bytes);  // the entry, and its key with it, may move
    const KeyRef same = {key_, key.position};
    if (value.many != nullptr)
      Write(same, entry, 0, true, PointerBytes(value.many));
    else
      Write(same, entry, 0, false, value.few);
    table_.SetDeadline(same, table_.Find(same), kNoDeadline);
  });
}

bool UserIndex::Drain(size_t budget, FunctionRef<void(std::unique_ptr<ManySessions>)> take) {
  return table_.Drain(budget, [&](Entry* entry) {
    const Value value = ReadValue(*entry);
    if (value.many == nullptr) return;
    ordered_sessions_ -= value.many->size();
    --ordered_users_;
    take(std::unique_ptr<ManySessions>(value.many));
  });
}

Table::Memory UserIndex::memory() const {
  Table::Memory memory = table_.memory();
  memory.large_bytes += ordered_sessions_ * ManySessions::kBytesEach;
  return memory;
}

void UserIndex::ForEach(
    FunctionRef<void(uint32_t ns, std::string_view user, const User& sessions)> visit) const {
  uint64_t cursor = 0;
  do {
    cursor = table_.Scan(cursor, [&](Entry& entry) {
      uint64_t ns = 0;
      const std::string_view key = entry.key();
      const char* const user = GetVarint(key.data(), key.data() + key.size(), &ns);
      visit(static_cast<uint32_t>(ns), {user, static_cast<size_t>(key.end() - user)}, Seen(entry));
    });
  } while (cursor != 0);
}

}  // namespace cloakroom
