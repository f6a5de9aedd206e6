#include "store/types/set_algebra.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "store/base/number.h"
#include "store/types/distinct.h"

namespace cloakroom {
namespace {

// Redis collects unions and differences in a set, which is a sorted one up to this size as long as
// there are only integers in it.
constexpr size_t kSortedMax = 512;

/// Sorts a list of few integers by value; leaves any other as it is.
void SortIntegers(MemberList& list) {
  if (list.size() > kSortedMax) return;
  std::vector<std::pair<int64_t, std::string_view>> sorted;
  sorted.reserve(list.size());
  for (const std::string_view member : list.views()) {
    int64_t value = 0;
    if (!ParseInteger(member, value)) return;
    sorted.emplace_back(value, member);
  }
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < sorted.size(); ++i) list.views()[i] = sorted[i].second;
}

/// The sets that are not empty, smallest first (the first of equals stays first); none at all when
/// one is empty.
std::vector<const Entry*> SmallestFirst(std::span<const Entry* const> sets) {
  std::vector<const Entry*> order(sets.begin(), sets.end());
  if (std::find(order.begin(), order.end(), nullptr) != order.end()) return {};
  std::stable_sort(order.begin(), order.end(),
                   [](const Entry* a, const Entry* b) { return SetSize(*a) < SetSize(*b); });
  return order;
}

bool InAll(std::span<const Entry* const> sets, std::string_view member) {
  return std::all_of(sets.begin(), sets.end(),
                     [&](const Entry* set) { return SetContains(*set, member); });
}

bool InAny(std::span<const Entry* const> sets, std::string_view member) {
  return std::any_of(sets.begin(), sets.end(),
                     [&](const Entry* set) { return SetContains(*set, member); });
}

size_t SumOfSizes(std::span<const Entry* const> sets) {
  size_t sum = 0;
  for (const Entry* set : sets) sum += SetSize(*set);
  return sum;
}

}  // namespace

MemberList Intersect(std::span<const Entry* const> sets) {
  MemberList common;
  const std::vector<const Entry*> order = SmallestFirst(sets);
  if (order.empty()) return common;
  const auto others = std::span(order).subspan(1);
  SetForEach(*order[0], [&](std::string_view member) {
    if (InAll(others, member)) common.Add(*order[0], member);
  });
  return common;
}

size_t CountIntersection(std::span<const Entry* const> sets, size_t limit) {
  const std::vector<const Entry*> order = SmallestFirst(sets);
  if (order.empty()) return 0;
  if (order.size() == 1 && limit == 0) return SetSize(*order[0]);
  const auto others = std::span(order).subspan(1);
  // By the scan, a bucket at a time, so that reaching the limit ends it. Nothing changes meanwhile,
  // so it meets each member once.
  size_t count = 0;
  uint64_t cursor = 0;
  do {
    cursor = SetScan(*order[0], cursor, [&](std::string_view member) {
      if ((limit == 0 || count < limit) && InAll(others, member)) ++count;
    });
  } while (cursor != 0 && (limit == 0 || count < limit));
  return count;
}

MemberList Unite(std::span<const Entry* const> sets, uint64_t seed) {
  MemberList all;
  std::vector<const Entry*> present(sets.begin(), sets.end());
  std::erase(present, nullptr);
  const bool alone = present.size() <= 1;  // then there is nothing to tell apart
  Distinct seen(seed);
  if (!alone) seen.Reserve(SumOfSizes(present));
  for (const Entry* set : present) {
    SetForEach(*set, [&](std::string_view member) {
      if (alone) return all.Add(*set, member);
      if (SetIsIntset(*set)) {  // only what is new need be held
        if (seen.Contains(member)) return;
        member = all.Hold(*set, member);
      }
      if (seen.Insert(member)) all.AddHeld(member);
    });
  }
  SortIntegers(all);
  return all;
}

MemberList Subtract(std::span<const Entry* const> sets, uint64_t seed) {
  MemberList rest;
  if (sets.empty() || sets[0] == nullptr) return rest;
  const Entry& first = *sets[0];
  std::vector<const Entry*> others(sets.begin() + 1, sets.end());
  std::erase(others, nullptr);
  if (std::find(others.begin(), others.end(), &first) != others.end()) return rest;

  const size_t sum = SumOfSizes(others);
  if (others.size() <= 1 || SetSize(first) * others.size() <= sum) {
    // The largest is the likeliest to hold a member: ask it first.
    std::sort(others.begin(), others.end(),
              [](const Entry* a, const Entry* b) { return SetSize(*a) > SetSize(*b); });
    SetForEach(first, [&](std::string_view member) {
      if (!InAny(others, member)) rest.Add(first, member);
    });
  } else {
    MemberList held;
    Distinct taken(seed);
    taken.Reserve(sum);
    for (const Entry* set : others) {
      SetForEach(*set, [&](std::string_view member) { taken.Insert(held.Hold(*set, member)); });
    }
    SetForEach(first, [&](std::string_view member) {
      if (!taken.Contains(member)) rest.Add(first, member);
    });
  }
  SortIntegers(rest);
  return rest;
}

}  // namespace cloakroom
