#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "redis_compat/command/reply.h"

namespace cloakroom {

/// The classes of key events, and the two channels that they go to: bits of what
/// notify-keyspace-events says, with its letters.
enum class EventClass : uint32_t {
  kKeyspace = 1 << 0,  // K: to __keyspace@<db>__:<key>, the event as payload
  kKeyevent = 1 << 1,  // E: to __keyevent@<db>__:<event>, the key as payload
  kGeneric = 1 << 2,   // g: DEL, EXPIRE, RENAME, ...
  kString = 1 << 3,    // $
  kList = 1 << 4,      // l
  kSet = 1 << 5,       // s
  kHash = 1 << 6,      // h
  kZset = 1 << 7,      // z
  kExpired = 1 << 8,   // x
  kEvicted = 1 << 9,   // e
  kStream = 1 << 10,   // t
  kMiss = 1 << 11,     // m: a read found nothing; not in A
  kModule = 1 << 13,   // d: sessions
  kNew = 1 << 14,      // n: a key was made; not in A
};

[[nodiscard]] constexpr uint32_t BitOf(EventClass type) { return static_cast<uint32_t>(type); }

/// What a command notes of its own events. They are told once its batch is committed, and not at
/// all when it fails. Names are static, keys borrowed from the command's words. A client that is
/// told of its own commands gets each event where the reply had come to when it was noted.
class KeyEventList {
 public:
  struct Event {
    EventClass type;
    uint32_t db;
    std::string_view name;
    std::string_view key;
    size_t reply_at;  // the output's size
  };

  void set_classes(uint32_t classes) { classes_ = classes; }
  [[nodiscard]] uint32_t classes() const { return classes_; }
  [[nodiscard]] bool Wants(EventClass type) const { return (classes_ & BitOf(type)) != 0; }

  void Add(EventClass type, std::string_view name, uint32_t db, std::string_view key) {
    if (Wants(type)) events_.push_back({type, db, name, key, reply_->out().size()});
  }
  /// The reply of the command that is about to note events.
  void set_reply(Reply& reply) { reply_ = &reply; }
  [[nodiscard]] const std::vector<Event>& events() const { return events_; }
  /// Empties it, but for what reads found missing. The reply is cut back to `reply_at`.
  void KeepMisses(size_t reply_at) {
    std::erase_if(events_, [](const Event& event) { return event.type != EventClass::kMiss; });
    for (Event& event : events_) event.reply_at = reply_at;
  }
  void Clear() {
    if (events_.capacity() > kKeepMax) [[unlikely]]
      events_ = std::vector<Event>();
    events_.clear();
  }

 private:
  static constexpr size_t kKeepMax = 4096;

  uint32_t classes_ = 0;
  std::vector<Event> events_;
  Reply* reply_ = nullptr;
};

}  // namespace cloakroom
