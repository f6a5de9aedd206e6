#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "redis_compat/command/key_event_list.h"
#include "redis_compat/command/pubsub.h"
#include "store/node/shard.h"
#include "store/table/event_observer.h"

namespace cloakroom {

/// Reads notify-keyspace-events: "KEA" and the like. Nothing when a letter is none of them.
[[nodiscard]] std::optional<uint32_t> ParseEventClasses(std::string_view letters);
/// The same in the order in which Redis shows them; "A" where it says all.
[[nodiscard]] std::string EventClassLetters(uint32_t classes);

/// Tells subscribers what becomes of keys and sessions (notify-keyspace-events). What commands do
/// they note in a list; what happens by itself comes from the keyspace, which is observed only
/// while a class that needs it is on. While there is nobody to tell, or nothing on, it costs a
/// branch.
class KeyEvents final : public EventObserver {
 public:
  KeyEvents(PubSub& pubsub, Shard& shard) : pubsub_(pubsub), shard_(shard) {}
  ~KeyEvents() override;
  KeyEvents(const KeyEvents&) = delete;
  KeyEvents& operator=(const KeyEvents&) = delete;

  void set_classes(uint32_t classes);

  /// Where the command that writes `reply` is to note its events; nullptr: nobody listens.
  [[nodiscard]] KeyEventList* Listening(Reply& reply) {
    if (!on_ || !pubsub_.HasListeners()) [[likely]]
      return nullptr;
    noted_.set_reply(reply);
    return &noted_;
  }
  /// Whether somebody may be told of keys that expire, or of sessions.
  [[nodiscard]] bool HearsExpiry() const { return hears_expiry_ && pubsub_.HasListeners(); }

  /// Tells what was noted, in order, and forgets it. `out` has the reply, to which `shift` bytes
  /// were added since.
  void TellNoted(std::string& out, size_t shift);
  [[nodiscard]] KeyEventList& noted() { return noted_; }

  // EventObserver
  void KeyExpired(uint32_t db, std::string_view key) override;
  void KeyEvicted(uint32_t db, std::string_view key) override;
  void SessionChanged(std::string_view ns, const SessionHandle& handle,
                      SessionChange change) override;

 private:
  void Tell(EventClass type, std::string_view event, uint32_t db, std::string_view key);

  PubSub& pubsub_;
  Shard& shard_;
  KeyEventList noted_;
  bool on_ = false;
  bool hears_expiry_ = false;
  bool observes_ = false;
  std::string channel_;  // scratch
};

}  // namespace cloakroom
