#include "redis_compat/command/key_events.h"

#include <fmt/format.h>

#include <iterator>

namespace cloakroom {
namespace {

struct Letter {
  char letter;
  EventClass type;
};

// In the order in which Redis shows them. The first ten make up A.
constexpr Letter kLetters[] = {
    {'g', EventClass::kGeneric},  {'$', EventClass::kString},  {'l', EventClass::kList},
    {'s', EventClass::kSet},      {'h', EventClass::kHash},    {'z', EventClass::kZset},
    {'x', EventClass::kExpired},  {'e', EventClass::kEvicted}, {'t', EventClass::kStream},
    {'d', EventClass::kModule},   {'n', EventClass::kNew},     {'K', EventClass::kKeyspace},
    {'E', EventClass::kKeyevent}, {'m', EventClass::kMiss},
};
constexpr size_t kLettersOfAll = 10;
constexpr size_t kLettersHiddenByAll = 11;  // A is shown in place of n too

constexpr uint32_t kAll = [] {
  uint32_t bits = 0;
  for (size_t i = 0; i < kLettersOfAll; ++i) bits |= BitOf(kLetters[i].type);
  return bits;
}();
constexpr uint32_t kChannels = BitOf(EventClass::kKeyspace) | BitOf(EventClass::kKeyevent);
constexpr uint32_t kObserved =
    BitOf(EventClass::kExpired) | BitOf(EventClass::kEvicted) | BitOf(EventClass::kModule);

constexpr std::string_view NameOf(SessionChange change) {
  switch (change) {
    case SessionChange::kCreated:
      return "session.create";
    case SessionChange::kSet:
      return "session.set";
    case SessionChange::kRotated:
      return "session.rotate";
    case SessionChange::kDestroyed:
      return "session.destroy";
    case SessionChange::kRevoked:
      return "session.revoke";
    case SessionChange::kEvicted:
      return "session.evicted";
    case SessionChange::kExpired:
      break;
  }
  return "session.expired";
}

}  // namespace

std::optional<uint32_t> ParseEventClasses(std::string_view letters) {
  uint32_t classes = 0;
  for (const char c : letters) {
    uint32_t bits = c == 'A' ? kAll : 0;
    for (const Letter& row : kLetters)
      if (row.letter == c) bits = BitOf(row.type);
    if (bits == 0) return std::nullopt;
    classes |= bits;
  }
  return classes;
}

std::string EventClassLetters(uint32_t classes) {
  const bool all = (classes & kAll) == kAll;
  std::string letters = all ? "A" : "";
  for (size_t i = all ? kLettersHiddenByAll : 0; i < std::size(kLetters); ++i)
    if ((classes & BitOf(kLetters[i].type)) != 0) letters += kLetters[i].letter;
  return letters;
}

KeyEvents::~KeyEvents() {
  if (observes_) shard_.keys().set_event_observer(nullptr);
}

void KeyEvents::set_classes(uint32_t classes) {
  on_ = (classes & kChannels) != 0 && (classes & ~kChannels) != 0;
  noted_.set_classes(classes);
  hears_expiry_ = on_ && (noted_.Wants(EventClass::kExpired) || noted_.Wants(EventClass::kModule));
  const bool observes = on_ && (classes & kObserved) != 0;
  if (observes == observes_) return;
  observes_ = observes;
  shard_.keys().set_event_observer(observes ? this : nullptr);
}

void KeyEvents::TellNoted(std::string& out, size_t shift) {
  for (const KeyEventList::Event& event : noted_.events()) {
    Tell(event.type, event.name, event.db, event.key);
    if (pubsub_.HasKept()) shift += pubsub_.Place(out, event.reply_at + shift);
  }
  noted_.Clear();
}

void KeyEvents::KeyExpired(uint32_t db, std::string_view key) {
  Tell(EventClass::kExpired, "expired", db, key);
}

void KeyEvents::KeyEvicted(uint32_t db, std::string_view key) {
  Tell(EventClass::kEvicted, "evicted", db, key);
}

void KeyEvents::SessionChanged(std::string_view ns, const SessionHandle& handle,
                               SessionChange change) {
  if (!noted_.Wants(EventClass::kModule) || !pubsub_.HasListeners()) return;
  std::string name;
  name.reserve(ns.size() + 1 + kHandleChars);
  name.append(ns).append(":").append(HandleText(handle));
  Tell(EventClass::kModule, NameOf(change), 0, name);
}

void KeyEvents::Tell(EventClass type, std::string_view event, uint32_t db, std::string_view key) {
  // What is loaded has happened before.
  if (!noted_.Wants(type) || !pubsub_.HasListeners() || shard_.loading()) return;
  if (noted_.Wants(EventClass::kKeyspace)) {
    channel_.clear();
    fmt::format_to(std::back_inserter(channel_), "__keyspace@{}__:{}", db, key);
    (void)pubsub_.Deliver(channel_, event, false);
  }
  if (noted_.Wants(EventClass::kKeyevent)) {
    channel_.clear();
    fmt::format_to(std::back_inserter(channel_), "__keyevent@{}__:{}", db, event);
    (void)pubsub_.Deliver(channel_, key, false);
  }
}

}  // namespace cloakroom
