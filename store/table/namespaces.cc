#include "store/table/namespaces.h"

#include <algorithm>

#include "store/base/check.h"

namespace cloakroom {
namespace {

const SessionMark* FirstOf(const std::vector<SessionMark>& marks, const SeenSerial& order) {
  auto it = std::upper_bound(
      marks.begin(), marks.end(), order.second,
      [](uint64_t serial, const SessionMark& mark) { return serial < mark.serial; });
  while (it != marks.end() && it->last < order) ++it;
  return it == marks.end() ? nullptr : &*it;
}

}  // namespace

SessionCounters& SessionCounters::operator+=(const SessionCounters& other) {
  created += other.created;
  destroyed += other.destroyed;
  expired += other.expired;
  evicted += other.evicted;
  revoked += other.revoked;
  reuse += other.reuse;
  return *this;
}

const SessionMark* Namespace::Covering(std::string_view user, const SeenSerial& order) const {
  if (marks.empty() && user_marks.empty()) [[likely]]
    return nullptr;
  const SessionMark* first = FirstOf(marks, order);
  const auto it = user_marks.find(user);
  if (it == user_marks.end()) return first;
  const SessionMark* const of_user = FirstOf(it->second, order);
  if (first == nullptr || (of_user != nullptr && of_user->serial < first->serial)) return of_user;
  return first;
}

Namespaces::Namespaces(uint64_t seed) : seed_(seed), ids_(0, KeyedHash{seed}), shapes_(seed) {
  Make(kDefaultNamespace).policy.emplace();
}

Namespace& Namespaces::Make(std::string_view name) {
  if (const auto it = ids_.find(name); it != ids_.end()) return *by_id_[it->second];
  if (free_.empty()) {
    free_.push_back(static_cast<uint32_t>(by_id_.size()));
    by_id_.emplace_back();
  }
  const uint32_t id = free_.back();
  free_.pop_back();
  by_id_[id] = std::make_unique<Namespace>();
  by_id_[id]->name = name;
  by_id_[id]->id = id;
  by_id_[id]->names = std::make_unique<FieldNames>(seed_);
  ids_.emplace(by_id_[id]->name, id);
  return *by_id_[id];
}

const Namespace* Namespaces::Find(std::string_view name) const {
  const auto it = ids_.find(name);
  return it == ids_.end() ? nullptr : by_id_[it->second].get();
}

const SessionPolicy& Namespaces::PolicyOf(const Namespace* ns) const {
  return ns != nullptr && ns->policy ? *ns->policy : *by_id_[0]->policy;
}

void Namespaces::SetPolicy(std::string_view name, const SessionPolicy& policy, TimeMs time) {
  Namespace& changed = Make(name);
  const auto remember = [&](Namespace& ns) {
    const TimeMs before = PolicyOf(&ns).tombstone_ms;
    if (before == policy.tombstone_ms) return;
    has_past_tombstones_ = true;
    if (!ns.past_tombstones.empty() && ns.past_tombstones.back().until == time) return;
    ns.past_tombstones.push_back({time, before});
  };
  if (changed.id == 0)
    ForEach([&](Namespace& ns) {
      if (&ns == &changed || !ns.policy) remember(ns);
    });
  else
    remember(changed);
  changed.policy = policy;
}

TimeMs Namespaces::TombstoneAt(const Namespace& ns, TimeMs deadline) const {
  for (const Namespace::PastTombstone& past : ns.past_tombstones)
    if (deadline <= past.until) return past.tombstone_ms;
  return PolicyOf(&ns).tombstone_ms;
}

void Namespaces::ForgetPastTombstones(TimeMs now) {
  if (!has_past_tombstones_) [[likely]]
    return;
  has_past_tombstones_ = false;
  ForEach([&](Namespace& ns) {
    std::erase_if(ns.past_tombstones, [&](const auto& past) { return past.until <= now; });
    if (!ns.past_tombstones.empty()) has_past_tombstones_ = true;
  });
}

std::unique_ptr<Namespaces> Namespaces::Flush() {
  auto old = std::make_unique<Namespaces>(seed_);
  std::swap(ids_, old->ids_);
  std::swap(by_id_, old->by_id_);
  std::swap(free_, old->free_);
  std::swap(shapes_, old->shapes_);
  std::swap(has_past_tombstones_, old->has_past_tombstones_);
  old->ForEach([this](Namespace& ns) {
    ns.counters.destroyed += ns.live;
    if (!ns.policy) {
      freed_counters_ += ns.counters;
      return;
    }
    Namespace& fresh = Make(ns.name);
    fresh.policy = ns.policy;
    fresh.counters = ns.counters;
  });
  return old;
}

void Namespaces::ForEach(FunctionRef<void(Namespace&)> visit) {
  for (const auto& ns : by_id_)
    if (ns != nullptr) visit(*ns);
}

void Namespaces::ForEach(FunctionRef<void(const Namespace&)> visit) const {
  for (const auto& ns : by_id_)
    if (ns != nullptr) visit(*ns);
}

size_t Namespaces::bytes() const {
  size_t bytes = shapes_.bytes();
  ForEach([&](const Namespace& ns) {
    bytes += sizeof(Namespace) + ns.name.size() + ns.names->bytes();
  });
  return bytes;
}

}  // namespace cloakroom
