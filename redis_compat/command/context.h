#pragma once

#include <optional>
#include <string_view>

#include "redis_compat/command/client_state.h"
#include "redis_compat/command/key_event_list.h"
#include "redis_compat/command/registry.h"
#include "store/base/result.h"
#include "store/node/shard.h"
#include "store/op/write_batch.h"
#include "store/table/entry.h"
#include "store/table/keyspace.h"

namespace cloakroom {

class ServerControl;
class Dispatcher;

/// Keyspace hits and misses of reads, as INFO stats counts them.
struct LookupCounters {
  uint64_t hits = 0;
  uint64_t misses = 0;
  uint64_t payloads_read = 0;  // of RESTORE, each looked through before anything is made of it
};

/// All that a handler sees. It reads `keys`, fills `batch`, and cannot mutate anything else but
/// its own client's state and, through `server`, what belongs to the process.
struct CommandContext {
  // Written out because an aggregate of this size is zeroed first, and the stall that follows costs
  // more than a small command.
  CommandContext(const Keyspace& its_keys, WriteBatch& its_batch, TimeMs its_now,
                 ClientState& its_client, Random& its_random, ServerControl& its_server,
                 Dispatcher& its_dispatcher, const Command& its_command,
                 LookupCounters& its_lookups, const KeyRef& its_first_key)
      : keys(its_keys),
        batch(its_batch),
        now(its_now),
        client(its_client),
        random(its_random),
        server(its_server),
        dispatcher(its_dispatcher),
        command(its_command),
        lookups(its_lookups),
        access(its_keys.access_clock()),
        first_key(its_first_key) {}

  const Keyspace& keys;
  WriteBatch& batch;
  const TimeMs now;
  ClientState& client;
  Random& random;
  ServerControl& server;
  Dispatcher& dispatcher;
  const Command& command;
  LookupCounters& lookups;
  const AccessClock& access;
  /// The first key, if the turn hashed it already; Ref() uses it when the bytes are the same.
  KeyRef first_key;
  /// What the first key, a token, is kept as, if the turn worked it out; else nullptr.
  const SessionKey* first_token = nullptr;
  /// Set by a handler whose client waits for the memory (FLUSHALL SYNC): after the commit, what
  /// was set aside is freed at once and not in slices.
  bool free_at_once = false;
  /// Set by a handler whose namespace's policy says how far its record must come before the reply
  /// leaves. Else it waits for what the server promises.
  std::optional<AckLevel> ack;
  /// Set by a handler that must wait for something: its reply and batch are dropped, and it runs
  /// again when the server resumes those that wait (ServerControl::Wait...).
  bool waits = false;
  /// Set by a handler that restores a value: after the commit, the access clock of the first key.
  std::optional<uint32_t> restored_clock;
  /// Where events are noted; nullptr: nobody listens.
  KeyEventList* events = nullptr;

  [[nodiscard]] uint32_t db() const { return client.db; }

  /// `key` with its position.
  [[nodiscard]] KeyRef Ref(std::string_view key) const {
    return key.data() == first_key.bytes.data() && key.size() == first_key.bytes.size()
               ? first_key
               : keys.Ref(key);
  }

  /// The live entry of `key` for a command that writes: counts nothing.
  [[nodiscard]] const Entry* Find(const KeyRef& key) const { return Used(Peek(key)); }
  /// The same for a read: counts a hit or a miss.
  [[nodiscard]] const Entry* Read(const KeyRef& key) { return Used(Inspect(key)); }
  /// A read that is no use of the entry, such as TTL or OBJECT: counts, but leaves its access
  /// clock.
  [[nodiscard]] const Entry* Inspect(const KeyRef& key) {
    const Entry* entry = InspectInSilence(key);
    if (entry == nullptr) Notify(EventClass::kMiss, "keymiss", key.bytes);
    return entry;
  }
  /// The same, but that there is none is no event.
  [[nodiscard]] const Entry* InspectInSilence(const KeyRef& key) {
    const Entry* entry = Peek(key);
    ++(entry != nullptr ? lookups.hits : lookups.misses);
    return entry;
  }
  /// Neither counts nor is a use.
  [[nodiscard]] const Entry* Peek(const KeyRef& key) const {
    return keys.Find(client.db, key, now);
  }
  /// Find or Read that insists on a type: nullptr when absent, kWrongType when it is another.
  [[nodiscard]] Result<const Entry*> Find(const KeyRef& key, ValueType type) const {
    return Typed(Find(key), type);
  }
  [[nodiscard]] Result<const Entry*> Read(const KeyRef& key, ValueType type) {
    return Typed(Read(key), type);
  }

  /// Notes that `event`, a static name, happens to `key` once the batch is committed.
  void Notify(EventClass type, std::string_view event, std::string_view key) const {
    if (events != nullptr) [[unlikely]]
      events->Add(type, event, client.db, key);
  }
  /// Notes that the key is new, if nothing stood there before.
  void NotifyNew(const KeyRef& key, const Entry* before) const {
    if (before == nullptr) Notify(EventClass::kNew, "new", key.bytes);
  }
  /// Both: a write to what stood at `key` before.
  void NotifyWrite(EventClass type, std::string_view event, const KeyRef& key,
                   const Entry* before) const {
    if (events == nullptr) [[likely]]
      return;
    NotifyNew(key, before);
    events->Add(type, event, client.db, key.bytes);
  }

  /// Tells the access clock of an entry that a command used it.
  void Touch(const Entry& entry) const { access.Touch(entry, now, random); }
  /// The same before what stands at `key` is overwritten unseen. The record tells a clock of the
  /// last use by itself; only one that counts uses needs to be told.
  void Overwrites(const KeyRef& key) const {
    if (access.counts_uses()) [[unlikely]]
      (void)Find(key);
  }
  /// The same for what a lookup found, unless the client asked that its commands be no use.
  [[nodiscard]] const Entry* Used(const Entry* entry) const {
    if (entry != nullptr && !client.no_touch) Touch(*entry);
    return entry;
  }

  [[nodiscard]] static Result<const Entry*> Typed(const Entry* entry, ValueType type) {
    if (entry != nullptr && entry->type() != type) [[unlikely]]
      return Fail(Code::kWrongType, "Operation against a key holding the wrong kind of value");
    return entry;
  }
};

}  // namespace cloakroom
