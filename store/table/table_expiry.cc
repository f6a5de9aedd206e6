#include <algorithm>
#include <array>
#include <vector>

#include "store/table/table_impl.h"

namespace cloakroom {
namespace {

constexpr size_t kBatch = 32;

}  // namespace

void Table::SetDeadline(const KeyRef& key, Entry* entry, TimeMs deadline) {
  CHECK(impl_->options.expires && deadline >= 0 && deadline <= kDeadlineMax);
  const TimeMs old = entry->deadline();
  if (deadline == old) return;
  WillChange(key);
  if (old != kNoDeadline) impl_->ForgetDeadline(old);
  entry->set_deadline(deadline);
  if (deadline == kNoDeadline) {
    // Its arm is stale now: a later deadline could be before it.
    entry->set_armed(false);
    impl_->AssistCheck();
    return;
  }
  ++impl_->with_deadline;
  impl_->deadline_sum += static_cast<uint64_t>(deadline);
  if (entry->armed() && deadline > old) return;
  entry->set_armed(true);
  if (!impl_->wheel) impl_->wheel = std::make_unique<ExpiryWheel>();
  impl_->AddArm(ArmOf(key.position), deadline);
  impl_->AssistCheck();
}

void Table::Impl::PrefetchArms(const Arm* arms, size_t count) const {
  for (size_t i = 0; i < count; ++i) {
    const IndexWord word = index.Lookup(ArmPrefix(arms[i]));
    if (!word.IsSegment()) continue;
    const Segment segment = word.segment();
    __builtin_prefetch(segment.Line(ArmBucket(arms[i]) & segment.mask()));
  }
  for (size_t i = 0; i < count; ++i)
    ForArm(arms[i], [](const Entry* entry) {
      __builtin_prefetch(entry);
      __builtin_prefetch(reinterpret_cast<const char*>(entry) + 48);
      asm volatile("");  // or the optimizer drops the search, which has no other effect
      return false;
    });
}

// Hands over what is due of what the arm may mean, and arms the rest again, once: arms never grow
// more than the entries that asked for them.
void Table::Impl::FireArm(Arm arm, TimeMs now, FunctionRef<void(const KeyRef&, Entry*)> dying) {
  for (;;) {
    TimeMs soonest = kNoDeadline;
    Entry* due = nullptr;
    Position due_at;
    ForArm(arm, [&](Entry* entry) {
      if (!entry->armed()) return false;
      const Position position = Locate(*entry);
      if (ArmOf(position) != arm) return false;
      const TimeMs deadline = entry->deadline();
      if (deadline <= now) {
        due = entry;
        due_at = position;
        return true;
      }
      soonest = soonest == kNoDeadline ? deadline : std::min(soonest, deadline);
      return false;
    });
    if (due == nullptr) {
      if (soonest != kNoDeadline) AddArm(arm, soonest);
      return;
    }
    // Its arm is spent: should it live on, SetDeadline arms it again.
    due->set_armed(false);
    dying(KeyRef{due->key(), due_at}, due);
  }
}

bool Table::FireDue(TimeMs now, size_t budget, FunctionRef<void(const KeyRef&, Entry*)> dying) {
  if (!impl_->wheel) return true;
  std::array<Arm, kBatch> arms;
  while (budget > 0) {
    size_t count = impl_->wheel->Take(now, std::span(arms).first(std::min(budget, kBatch)));
    if (count == 0) return true;
    budget -= count;
    // Arms of one key that was set and deleted over and over meet here, and become one.
    std::sort(arms.begin(), arms.begin() + count);
    count = static_cast<size_t>(std::unique(arms.begin(), arms.begin() + count) - arms.begin());
    impl_->PrefetchArms(arms.data(), count);
    for (size_t i = 0; i < count; ++i) impl_->FireArm(arms[i], now, dying);
  }
  return !impl_->wheel->HasDue(now);
}

void Table::ForEachDue(TimeMs now, FunctionRef<void(const Entry&)> visit) const {
  if (!impl_->wheel) return;
  std::vector<Arm> arms;
  impl_->wheel->ForEachDue(now, [&](Arm arm) { arms.push_back(arm); });
  std::sort(arms.begin(), arms.end());
  arms.erase(std::unique(arms.begin(), arms.end()), arms.end());
  for (const Arm arm : arms)
    impl_->ForArm(arm, [&](const Entry* entry) {
      if (entry->armed() && !entry->LiveAt(now) && ArmOf(impl_->Locate(*entry)) == arm)
        visit(*entry);
      return false;
    });
}

TimeMs Table::NextDue() const { return impl_->wheel ? impl_->wheel->NextDue() : kNoDeadline; }

bool Table::Impl::ArmsAreStale() const {
  constexpr size_t kFewArms = 1024;
  return wheel &&
         wheel->size() > std::max(with_deadline + with_deadline / 2 + kFewArms, check_above);
}

// Keeps an arm that stands for an entry, where the entry's deadline belongs now.
void Table::Impl::KeepArm(Arm arm) {
  TimeMs soonest = kNoDeadline;
  ForArm(arm, [&](const Entry* entry) {
    if (!entry->armed() || ArmOf(Locate(*entry)) != arm) return false;
    const TimeMs deadline = entry->deadline();
    soonest = soonest == kNoDeadline ? deadline : std::min(soonest, deadline);
    return false;
  });
  if (soonest != kNoDeadline) AddArm(arm, soonest);
}

bool Table::Impl::CheckArms(size_t budget) {
  if (!wheel) return true;
  if (!wheel->InPass()) {
    if (!ArmsAreStale()) return true;
    wheel->StartPass();
  }
  std::array<Arm, kBatch> arms;
  while (budget > 0) {
    size_t count = wheel->TakeForCheck(std::span(arms).first(std::min(budget, kBatch)));
    if (count == 0) {
      // Should a pass find little (arms that are due within a second, say), the next one waits.
      check_above = wheel->size() + wheel->size() / 8;
      return true;
    }
    budget -= count;
    std::sort(arms.begin(), arms.begin() + count);
    count = static_cast<size_t>(std::unique(arms.begin(), arms.begin() + count) - arms.begin());
    PrefetchArms(arms.data(), count);
    for (size_t i = 0; i < count; ++i) KeepArm(arms[i]);
  }
  return false;
}

// While a rebuild is due, whoever makes arms stale looks at four: so the pass ends before the arms
// have grown by half as much again, even if nobody calls Compact.
void Table::Impl::AssistCheck() {
  constexpr size_t kAssist = 4;
  if (wheel && (wheel->InPass() || ArmsAreStale())) CheckArms(kAssist);
}

}  // namespace cloakroom
