#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "redis_compat/command/client_state.h"
#include "store/base/function_ref.h"
#include "store/table/keyspace.h"

namespace cloakroom {

class ServerControl;

/// Told of every message that a client publishes: for whoever carries it on to replicas. Key events
/// are none of these, for each node makes its own.
class PublishObserver {
 public:
  virtual ~PublishObserver() = default;
  virtual void OnPublished(std::string_view channel, std::string_view payload, bool sharded) = 0;
};

/// Who is subscribed to what, and the one place through which messages go.
///
/// What goes to the client whose command is running must not land in the middle of its reply: it is
/// kept aside, and placed where the dispatcher says. All others get it at once.
class PubSub {
 public:
  PubSub(ServerControl& server, const Keyspace& keys);
  PubSub(const PubSub&) = delete;
  PubSub& operator=(const PubSub&) = delete;

  // Of the client whose command is running. Each name is confirmed, whether or not that was news.
  void Subscribe(ClientState& client, Topic topic, std::string_view name);
  void Unsubscribe(ClientState& client, Topic topic, std::string_view name);
  /// From all of a kind, in the order in which it subscribed. When there are none, one confirmation
  /// says so.
  void UnsubscribeAll(ClientState& client, Topic topic);

  /// It goes, or becomes as if it were new: from all, without a word.
  void Forget(ClientState& client);

  /// PUBLISH, or with `sharded` SPUBLISH. Returns how many were sent it: a client once for its
  /// channel and once for each pattern. O(receivers + patterns).
  size_t Publish(std::string_view channel, std::string_view payload, bool sharded);
  /// The same, of what is no client's message: the observer is not told.
  size_t Deliver(std::string_view channel, std::string_view payload, bool sharded);
  void set_observer(PublishObserver* observer) { observer_ = observer; }

  /// Whether anybody could receive what is not sharded.
  [[nodiscard]] bool HasListeners() const {
    return !Of(Topic::kChannel).empty() || !Of(Topic::kPattern).empty();
  }
  /// How many channels or patterns somebody is subscribed to.
  [[nodiscard]] size_t Count(Topic topic) const { return Of(topic).size(); }
  [[nodiscard]] size_t SubscribersOf(Topic topic, std::string_view name) const;
  void ForEach(Topic topic, FunctionRef<void(std::string_view name)> visit) const;

  /// A command of `client` runs, up to EndCommand; what goes to it meanwhile is kept.
  void BeginCommand(const ClientState& client) { running_ = &client; }
  /// Whether something is kept that has no place yet.
  [[nodiscard]] bool HasKept() const { return !kept_.empty(); }
  /// Puts it into the client's output, in front of what begins at `at`. Returns its size.
  size_t Place(std::string& out, size_t at);
  /// What was placed in the course of this command: CLIENT REPLY silences replies, not messages.
  [[nodiscard]] const std::string& placed() const { return placed_; }
  /// Appends what has no place yet.
  void EndCommand(std::string& out) {
    running_ = nullptr;
    if (used_) [[unlikely]]
      Finish(out);
  }

 private:
  static constexpr size_t kTopics = 3;

  /// A channel or pattern that has subscribers.
  struct Subject {
    std::string_view name;
    std::vector<ClientState*> subscribers;
  };
  // Hashed with the keyspace's secret: clients choose the names.
  struct Hash {
    using is_transparent = void;
    const Keyspace* keys;
    size_t operator()(std::string_view name) const { return keys->Ref(name).position.hash; }
  };
  using Subjects = std::unordered_map<std::string, Subject, Hash, std::equal_to<>>;
  /// One client's part in a subject.
  struct Subscription {
    size_t place = 0;     // in the subject's subscribers
    uint64_t serial = 0;  // the older the smaller
  };
  using Subscriptions = std::unordered_map<Subject*, Subscription>;
  using Client = std::array<Subscriptions, kTopics>;

  [[nodiscard]] Subjects& Of(Topic topic) { return subjects_[static_cast<size_t>(topic)]; }
  [[nodiscard]] const Subjects& Of(Topic topic) const {
    return subjects_[static_cast<size_t>(topic)];
  }
  void Drop(ClientState& client, Topic topic, Subject& subject);
  void Confirm(const ClientState& client, Topic topic, bool subscribed,
               const std::string_view* name);
  size_t Send(const Subject& subject);
  void Finish(std::string& out);

  ServerControl& server_;
  PublishObserver* observer_ = nullptr;
  std::array<Subjects, kTopics> subjects_;
  std::unordered_map<const ClientState*, Client> clients_;
  uint64_t serial_ = 0;
  std::string message_;  // as it is being sent, its first byte to be set for each receiver

  const ClientState* running_ = nullptr;
  bool used_ = false;  // since the command began
  std::string kept_;
  std::string placed_;
};

}  // namespace cloakroom
