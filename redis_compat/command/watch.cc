#include "redis_compat/command/watch.h"

#include <algorithm>

namespace cloakroom {
namespace {

// Of one watched key, beside its bytes, which stand here and with the client: a node and its
// bucket, a list of one watcher, and the client's own entry.
constexpr size_t kWatchBytes = 160;

}  // namespace

WatchTable::~WatchTable() {
  if (!databases_.empty()) shard_.keys().set_observer(nullptr);
}

bool WatchTable::Exists(uint32_t db, std::string_view key) const {
  const Keyspace& keys = shard_.keys();
  return keys.Find(db, keys.Ref(key), shard_.now()) != nullptr;
}

void WatchTable::Watch(ClientState& client, std::string_view key) {
  if (databases_.empty()) shard_.keys().set_observer(this);
  KeyMap& keys = databases_.try_emplace(client.db, 0, Hash{&shard_.keys()}).first->second;
  auto it = keys.find(key);
  if (it == keys.end()) it = keys.emplace(std::string(key), Watchers{}).first;
  for (const Watcher& watcher : it->second)
    if (watcher.client == &client) return;
  const bool existed = Exists(client.db, key);
  it->second.push_back({&client, existed});
  client.watched.push_back({client.db, std::string(key), existed});
  client.watched_memory_bytes += kWatchBytes + 2 * key.size();
}

void WatchTable::Unwatch(ClientState& client) {
  for (const ClientState::WatchedKey& watched : client.watched) {
    const auto db = databases_.find(watched.db);
    const auto it = db->second.find(watched.key);
    std::erase_if(it->second, [&](const Watcher& watcher) { return watcher.client == &client; });
    if (it->second.empty()) db->second.erase(it);
    if (db->second.empty()) databases_.erase(db);
  }
  if (!client.watched.empty() && databases_.empty()) shard_.keys().set_observer(nullptr);
  client.watched =
      std::vector<ClientState::WatchedKey>();  // with its memory, which nobody would count
  client.watched_memory_bytes = 0;
  client.watch_dirty = false;
}

bool WatchTable::Broken(const ClientState& client) const {
  if (client.watch_dirty) return true;
  return std::any_of(client.watched.begin(), client.watched.end(), [this](const auto& watched) {
    return watched.existed && !Exists(watched.db, watched.key);
  });
}

void WatchTable::KeyTouched(uint32_t db, std::string_view key) {
  const auto keys = databases_.find(db);
  if (keys == databases_.end()) return;
  const auto it = keys->second.find(key);
  if (it == keys->second.end()) return;
  for (const Watcher& watcher : it->second) watcher.client->watch_dirty = true;
}

// A key that did not exist still does not: its watchers saw no change. One that existed is gone
// (or was changed before, then its watchers are dirty already).
void WatchTable::DatabaseFlushed(uint32_t db) {
  const auto keys = databases_.find(db);
  if (keys == databases_.end()) return;
  for (auto& [key, watchers] : keys->second)
    for (const Watcher& watcher : watchers)
      if (watcher.existed) watcher.client->watch_dirty = true;
}

// Whichever side of the swap this is called on, a key that was absent here and is found in either
// database has come with the swap.
void WatchTable::DatabasesSwapped(uint32_t db, uint32_t db2) {
  DatabaseFlushed(db);
  DatabaseFlushed(db2);
  for (const uint32_t side : {db, db2}) {
    const auto keys = databases_.find(side);
    if (keys == databases_.end()) continue;
    for (auto& [key, watchers] : keys->second) {
      if (!Exists(db, key) && !Exists(db2, key)) continue;
      for (const Watcher& watcher : watchers) watcher.client->watch_dirty = true;
    }
  }
}

}  // namespace cloakroom
