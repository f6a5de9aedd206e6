#include "store/types/set.h"

#include <algorithm>
#include <vector>

#include "store/types/distinct.h"
#include "store/types/sampling.h"

namespace cloakroom {
namespace {

/// Removes `members`, all of which are in the set and different.
void RemovePresent(const Place& place, std::span<const std::string_view> members,
                   WriteBatch& batch) {
  if (members.size() == SetSize(*place.entry)) {
    batch.Delete(place.db, place.key);
  } else {
    batch.SetRemove(place.db, place.key, members);
  }
}

}  // namespace

size_t AddMembers(const Place& place, std::span<const std::string_view> members,
                  WriteBatch& batch) {
  if (members.size() == 1) {  // the usual case allocates nothing
    if (place.entry != nullptr && SetContains(*place.entry, members[0])) return 0;
    batch.SetAdd(place.db, place.key, members);
    return 1;
  }
  std::vector<std::string_view> added;
  added.reserve(members.size());
  FirstSights sights(members, 1, place.key.position.hash);
  for (size_t i = 0; i < members.size(); ++i) {
    if (!sights.IsFirst(i)) continue;
    if (place.entry == nullptr || !SetContains(*place.entry, members[i]))
      added.push_back(members[i]);
  }
  batch.SetAdd(place.db, place.key, added);
  return added.size();
}

size_t RemoveMembers(const Place& place, std::span<const std::string_view> members,
                     WriteBatch& batch) {
  if (place.entry == nullptr) return 0;
  if (members.size() == 1) {
    if (!SetContains(*place.entry, members[0])) return 0;
    RemovePresent(place, members, batch);
    return 1;
  }
  std::vector<std::string_view> removed;
  removed.reserve(members.size());
  FirstSights sights(members, 1, place.key.position.hash);
  for (size_t i = 0; i < members.size(); ++i) {
    if (sights.IsFirst(i) && SetContains(*place.entry, members[i])) removed.push_back(members[i]);
  }
  RemovePresent(place, removed, batch);
  return removed.size();
}

bool MoveMember(const Place& from, const Place& to, std::string_view member, WriteBatch& batch) {
  if (from.entry == nullptr || !SetContains(*from.entry, member)) return false;
  if (from.entry == to.entry) return true;
  const std::string_view members[] = {member};
  RemovePresent(from, members, batch);
  if (to.entry == nullptr || !SetContains(*to.entry, member)) batch.SetAdd(to.db, to.key, members);
  return true;
}

MemberList SampleMembers(const Place& place, size_t count, DrawBits draw) {
  MemberList sample;
  if (place.entry == nullptr) return sample;
  const Entry& entry = *place.entry;
  const size_t size = SetSize(entry);
  sample.Reserve(std::min(count, size));

  if (IsSmallPart(count, size)) {
    Distinct seen(place.key.position.hash);
    const bool done = PickDistinct(count, [&] {
      bool added = false;
      SetPick(entry, draw, [&](std::string_view member) {
        if (seen.Contains(member)) return;
        sample.Add(entry, member);
        added = seen.Insert(sample.views().back());
      });
      return added;
    });
    if (done) return sample;
    sample.Clear();
  }
  SelectionSampler sampler(count, size);
  SetForEach(entry, [&](std::string_view member) {
    if (sampler.Take(draw)) sample.Add(entry, member);
  });
  return sample;
}

MemberList PopMembers(const Place& place, size_t count, DrawBits draw, WriteBatch& batch) {
  MemberList popped = SampleMembers(place, count, draw);
  if (!popped.empty()) RemovePresent(place, popped.views(), batch);
  return popped;
}

void StoreMembers(const Place& place, std::span<const std::string_view> members,
                  WriteBatch& batch) {
  if (place.entry != nullptr) batch.Delete(place.db, place.key);
  batch.SetAdd(place.db, place.key, members);
}

}  // namespace cloakroom
