#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "redis_compat/command/client_state.h"
#include "store/node/shard.h"
#include "store/table/keyspace.h"

namespace cloakroom {

/// Who watches which key. Observes the keyspace only while somebody watches something, so that a
/// server without WATCH pays nothing for it.
///
/// A key that expires is no op (each role frees it by itself), so nobody is told: a watched key
/// that existed and no longer does is found out at EXEC, by Broken.
class WatchTable final : public KeyObserver {
 public:
  explicit WatchTable(Shard& shard) : shard_(shard) {}
  ~WatchTable() override;

  /// Adds to client.watched_memory_bytes what that takes; a key that it watches already takes none.
  void Watch(ClientState& client, std::string_view key);
  void Unwatch(ClientState& client);
  [[nodiscard]] bool Broken(const ClientState& client) const;

  void KeyTouched(uint32_t db, std::string_view key) override;
  void DatabaseFlushed(uint32_t db) override;
  void DatabasesSwapped(uint32_t db, uint32_t db2) override;

 private:
  struct Watcher {
    ClientState* client;
    bool existed;  // the key, when WATCH was called
  };
  using Watchers = std::vector<Watcher>;
  // Hashed with the keyspace's secret: clients choose the keys.
  struct Hash {
    using is_transparent = void;
    const Keyspace* keys;
    size_t operator()(std::string_view key) const { return keys->Ref(key).position.hash; }
  };
  using KeyMap = std::unordered_map<std::string, Watchers, Hash, std::equal_to<>>;

  [[nodiscard]] bool Exists(uint32_t db, std::string_view key) const;

  Shard& shard_;
  std::unordered_map<uint32_t, KeyMap> databases_;
};

}  // namespace cloakroom
