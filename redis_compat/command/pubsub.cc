#include "redis_compat/command/pubsub.h"

#include <algorithm>

#include "redis_compat/command/args.h"
#include "redis_compat/command/reply.h"
#include "redis_compat/command/server_control.h"
#include "store/base/check.h"

namespace cloakroom {
namespace {

// Of one subscription, beside the name: the subject with its places, and the client's own entry.
constexpr size_t kSubscriptionBytes = 256;
// Buffers that one huge message made are not kept.
constexpr size_t kKeepBytesMax = size_t{64} << 10;

size_t BytesOf(std::string_view name) { return kSubscriptionBytes + name.size(); }

/// How many subscriptions a confirmation counts: those of shards apart.
uint32_t CountFor(const ClientState& client, Topic topic) {
  if (topic == Topic::kShard) return client.subscriptions_of(Topic::kShard);
  return client.subscriptions_of(Topic::kChannel) + client.subscriptions_of(Topic::kPattern);
}

void ShrinkTo(std::string& buffer, size_t bytes_max) {
  if (buffer.capacity() > bytes_max)
    std::string().swap(buffer);
  else
    buffer.clear();
}

}  // namespace

PubSub::PubSub(ServerControl& server, const Keyspace& keys)
    : server_(server),
      subjects_{Subjects(0, Hash{&keys}), Subjects(0, Hash{&keys}), Subjects(0, Hash{&keys})} {}

void PubSub::Subscribe(ClientState& client, Topic topic, std::string_view name) {
  Subjects& subjects = Of(topic);
  auto it = subjects.find(name);
  if (it == subjects.end()) {
    it = subjects.try_emplace(std::string(name)).first;
    it->second.name = it->first;
  }
  Subject& subject = it->second;
  const auto [mine, added] = clients_[&client][static_cast<size_t>(topic)].try_emplace(&subject);
  if (added) {
    mine->second = {subject.subscribers.size(), ++serial_};
    subject.subscribers.push_back(&client);
    ++client.subscriptions[static_cast<size_t>(topic)];
    client.subscription_memory_bytes += BytesOf(name);
  }
  Confirm(client, topic, true, &name);
}

void PubSub::Unsubscribe(ClientState& client, Topic topic, std::string_view name) {
  const auto it = Of(topic).find(name);
  const auto mine = clients_.find(&client);
  if (it != Of(topic).end() && mine != clients_.end() &&
      mine->second[static_cast<size_t>(topic)].contains(&it->second))
    Drop(client, topic, it->second);
  Confirm(client, topic, false, &name);
}

void PubSub::UnsubscribeAll(ClientState& client, Topic topic) {
  std::vector<std::pair<uint64_t, Subject*>> all;
  if (const auto mine = clients_.find(&client); mine != clients_.end())
    for (const auto& [subject, subscription] : mine->second[static_cast<size_t>(topic)])
      all.emplace_back(subscription.serial, subject);
  std::sort(all.begin(), all.end());
  for (const auto& [serial, subject] : all) {
    const std::string name(subject->name);  // it may go with its last subscriber
    Drop(client, topic, *subject);
    const std::string_view view = name;
    Confirm(client, topic, false, &view);
  }
  if (all.empty()) Confirm(client, topic, false, nullptr);
}

void PubSub::Forget(ClientState& client) {
  for (const Topic topic : {Topic::kChannel, Topic::kPattern, Topic::kShard}) {
    while (client.subscriptions_of(topic) > 0) {
      const Subscriptions& mine = clients_.find(&client)->second[static_cast<size_t>(topic)];
      Drop(client, topic, *mine.begin()->first);
    }
  }
}

/// Takes the client out of the subject's list, whose last one takes its place.
void PubSub::Drop(ClientState& client, Topic topic, Subject& subject) {
  const auto which = static_cast<size_t>(topic);
  const auto mine = clients_.find(&client);
  CHECK(mine != clients_.end());
  const auto at = mine->second[which].find(&subject);
  CHECK(at != mine->second[which].end());
  const size_t place = at->second.place;
  ClientState* const last = subject.subscribers.back();
  subject.subscribers[place] = last;
  clients_.find(last)->second[which].find(&subject)->second.place = place;
  subject.subscribers.pop_back();

  mine->second[which].erase(at);
  --client.subscriptions[which];
  client.subscription_memory_bytes -= BytesOf(subject.name);
  if (!client.subscribed()) clients_.erase(mine);
  if (subject.subscribers.empty()) Of(topic).erase(Of(topic).find(subject.name));
}

void PubSub::Confirm(const ClientState& client, Topic topic, bool subscribed,
                     const std::string_view* name) {
  constexpr std::string_view kVerbs[2][kTopics] = {{"unsubscribe", "punsubscribe", "sunsubscribe"},
                                                   {"subscribe", "psubscribe", "ssubscribe"}};
  CHECK(&client == running_);
  used_ = true;
  Reply reply(kept_, client.protocol);
  static_cast<void>(reply.Push(3));
  static_cast<void>(reply.Bulk(kVerbs[subscribed ? 1 : 0][static_cast<size_t>(topic)]));
  static_cast<void>(name != nullptr ? reply.Bulk(*name) : reply.Null());
  static_cast<void>(reply.Integer(CountFor(client, topic)));
}

size_t PubSub::Publish(std::string_view channel, std::string_view payload, bool sharded) {
  if (observer_ != nullptr) observer_->OnPublished(channel, payload, sharded);
  return Deliver(channel, payload, sharded);
}

size_t PubSub::Deliver(std::string_view channel, std::string_view payload, bool sharded) {
  size_t receivers = 0;
  const Subjects& direct = Of(sharded ? Topic::kShard : Topic::kChannel);
  if (const auto it = direct.find(channel); it != direct.end()) {
    message_.clear();
    Reply message(message_, 3);
    static_cast<void>(message.Push(3));
    static_cast<void>(message.Bulk(sharded ? "smessage" : "message"));
    static_cast<void>(message.Bulk(channel));
    static_cast<void>(message.Bulk(payload));
    message.Flush();
    receivers += Send(it->second);
  }
  if (!sharded) {
    for (const auto& [pattern, subject] : Of(Topic::kPattern)) {
      if (!GlobMatch(pattern, channel, false)) continue;
      message_.clear();
      Reply message(message_, 3);
      static_cast<void>(message.Push(4));
      static_cast<void>(message.Bulk("pmessage"));
      static_cast<void>(message.Bulk(pattern));
      static_cast<void>(message.Bulk(channel));
      static_cast<void>(message.Bulk(payload));
      message.Flush();
      receivers += Send(subject);
    }
  }
  ShrinkTo(message_, kKeepBytesMax);
  return receivers;
}

/// A message looks the same in both protocols, but for its first byte.
size_t PubSub::Send(const Subject& subject) {
  for (ClientState* const client : subject.subscribers) {
    message_[0] = client->protocol == 2 ? '*' : '>';
    if (client == running_) {
      used_ = true;
      kept_ += message_;
    } else {
      server_.Push(*client, message_);
    }
  }
  return subject.subscribers.size();
}

size_t PubSub::SubscribersOf(Topic topic, std::string_view name) const {
  const auto it = Of(topic).find(name);
  return it == Of(topic).end() ? 0 : it->second.subscribers.size();
}

void PubSub::ForEach(Topic topic, FunctionRef<void(std::string_view name)> visit) const {
  for (const auto& [name, subject] : Of(topic)) visit(name);
}

size_t PubSub::Place(std::string& out, size_t at) {
  const size_t bytes = kept_.size();
  out.insert(at, kept_);
  placed_ += kept_;
  kept_.clear();
  return bytes;
}

void PubSub::Finish(std::string& out) {
  out += kept_;
  ShrinkTo(kept_, kKeepBytesMax);
  ShrinkTo(placed_, kKeepBytesMax);
  used_ = false;
}

}  // namespace cloakroom
