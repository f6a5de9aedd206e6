#include "store/table/expiry_wheel.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "store/base/check.h"

namespace cloakroom {
namespace {

constexpr size_t kArmBytes = 5;

}  // namespace

// Small where arms are few, large where a bucket holds many.
struct ExpiryWheel::Chunk {
  Chunk* next;
  uint16_t count;
  uint16_t capacity;

  static constexpr size_t kHeaderBytes = 12;
  [[nodiscard]] size_t Bytes() const { return kHeaderBytes + capacity * kArmBytes; }
  uint8_t* At(size_t i) { return reinterpret_cast<uint8_t*>(this) + kHeaderBytes + i * kArmBytes; }

  static uint16_t CapacityAfter(const Chunk* head) {
    constexpr size_t kSizes[] = {64, 256, 1024};
    size_t bytes = kSizes[0];
    if (head != nullptr) bytes = head->Bytes() < 128 ? kSizes[1] : kSizes[2];
    return static_cast<uint16_t>((bytes - kHeaderBytes) / kArmBytes);
  }
};

ExpiryWheel::ExpiryWheel() : bytes_(sizeof(ExpiryWheel)) {}

ExpiryWheel::~ExpiryWheel() {
  while (!Clear(1024)) {
  }
}

void ExpiryWheel::Push(Chunk*& head, Arm arm) {
  if (head == nullptr || head->count == head->capacity) {
    const uint16_t capacity = Chunk::CapacityAfter(head);
    auto* fresh = static_cast<Chunk*>(std::malloc(Chunk::kHeaderBytes + capacity * kArmBytes));
    CHECK(fresh != nullptr);
    fresh->next = head;
    fresh->count = 0;
    fresh->capacity = capacity;
    bytes_ += fresh->Bytes();
    head = fresh;
  }
  std::memcpy(head->At(head->count), &arm, kArmBytes);
  head->count += 1;
  ++size_;
}

size_t ExpiryWheel::Pop(Chunk*& head, std::span<Arm> out) {
  size_t taken = 0;
  while (head != nullptr && taken < out.size()) {
    while (head->count > 0 && taken < out.size()) {
      head->count -= 1;
      Arm arm = 0;
      std::memcpy(&arm, head->At(head->count), kArmBytes);
      out[taken++] = arm;
    }
    if (head->count > 0) break;
    Chunk* next = head->next;
    bytes_ -= head->Bytes();
    std::free(head);
    head = next;
  }
  size_ -= taken;
  return taken;
}

// Invariant: what is in use on a level lies within one turn of it, from Base on; and a finer level
// is never behind a coarser one. So one number, the tick modulo the wheel, names a bucket.
void ExpiryWheel::Add(Arm arm, TimeMs at) {
  const auto time = static_cast<uint64_t>(at);
  if (at <= levels_[0].done) {
    late_from_ = late_ == nullptr ? at : std::min(late_from_, at);
    next_due_ = size_ == 0 ? at : std::min(next_due_, at);
    Push(late_, arm);
    return;
  }
  for (uint32_t level = 0; level < kLevels; ++level) {
    const uint64_t tick = time >> kShift[level];
    if (tick - Base(level) >= kBuckets[level]) continue;
    Level& l = levels_[level];
    if (!l.heads) {
      l.heads = std::make_unique<Chunk*[]>(kBuckets[level]);
      bytes_ += kBuckets[level] * sizeof(void*);
    }
    const auto begins = static_cast<TimeMs>(tick << kShift[level]);
    next_due_ = size_ == 0 ? begins : std::min(next_due_, begins);
    const uint32_t bucket = static_cast<uint32_t>(tick) & (kBuckets[level] - 1);
    l.used[bucket / 64] |= uint64_t{1} << (bucket % 64);
    Push(l.heads[bucket], arm);
    return;
  }
  CheckFailed("a deadline fits the wheel", __FILE__, __LINE__);
}

uint64_t ExpiryWheel::FirstUsed(uint32_t level) const {
  const Level& l = levels_[level];
  if (!l.heads) return kNoTick;
  const uint64_t base = Base(level);
  const uint32_t count = kBuckets[level];
  const uint32_t start = static_cast<uint32_t>(base) & (count - 1);
  // Once around, word by word; the first word is met twice, each time for a part of it.
  const uint32_t words = (count + 63) / 64;
  for (uint32_t i = 0; i <= words; ++i) {
    const uint32_t word = (start / 64 + i) % words;
    uint64_t used = l.used[word];
    if (i == 0) used &= ~uint64_t{0} << (start % 64);
    if (i == words) used &= ~(~uint64_t{0} << (start % 64));
    if (used == 0) continue;
    const uint32_t bucket = word * 64 + static_cast<uint32_t>(std::countr_zero(used));
    return base + ((bucket - start) & (count - 1));
  }
  return kNoTick;
}

size_t ExpiryWheel::TakeLate(TimeMs now, std::span<Arm> out) {
  // Taken as a whole: should the clock have gone back, what is not due yet is added to `late_`
  // anew.
  if (late_taken_ == nullptr && late_ != nullptr && late_from_ <= now)
    std::swap(late_taken_, late_);
  size_t taken = Pop(late_taken_, out);
  if (checked_ != nullptr && checked_from_ <= now) taken += Pop(checked_, out.subspan(taken));
  return taken;
}

size_t ExpiryWheel::Take(TimeMs now, std::span<Arm> out) {
  size_t taken = 0;
  if (size_ > 0 && next_due_ <= now) {
    taken = TakeLate(now, out);
    for (uint32_t level = 0; level < kLevels; ++level) {
      Level& l = levels_[level];
      while (taken < out.size()) {
        const uint64_t tick = FirstUsed(level);
        if (tick == kNoTick || tick > static_cast<uint64_t>(now) >> kShift[level]) break;
        const uint32_t bucket = static_cast<uint32_t>(tick) & (kBuckets[level] - 1);
        taken += Pop(l.heads[bucket], out.subspan(taken));
        if (l.heads[bucket] == nullptr) l.used[bucket / 64] &= ~(uint64_t{1} << (bucket % 64));
      }
      if (taken == out.size()) return taken;
      l.done = std::max(l.done, now);
    }
    if (taken == 0) FindNextDue();
    return taken;
  }
  for (Level& l : levels_) l.done = std::max(l.done, now);
  return 0;
}

void ExpiryWheel::FindNextDue() {
  constexpr TimeMs kFar = INT64_MAX;
  TimeMs next = late_ != nullptr ? late_from_ : kFar;
  if (late_taken_ != nullptr) next = 0;
  if (checked_ != nullptr) next = std::min(next, checked_from_);
  for (uint32_t level = 0; level < kLevels; ++level) {
    const uint64_t tick = FirstUsed(level);
    if (tick != kNoTick) next = std::min(next, static_cast<TimeMs>(tick << kShift[level]));
  }
  next_due_ = next;
}

bool ExpiryWheel::HasDue(TimeMs now) {
  if (size_ == 0 || next_due_ > now) return false;
  FindNextDue();
  return next_due_ <= now;
}

void ExpiryWheel::ForEachDue(TimeMs now, FunctionRef<void(Arm)> visit) const {
  if (size_ == 0 || next_due_ > now) return;
  const auto visit_chunks = [&](Chunk* chunk) {
    for (; chunk != nullptr; chunk = chunk->next)
      for (size_t i = 0; i < chunk->count; ++i) {
        Arm arm = 0;
        std::memcpy(&arm, chunk->At(i), kArmBytes);
        visit(arm);
      }
  };
  visit_chunks(late_);
  visit_chunks(late_taken_);
  visit_chunks(checked_);
  for (uint32_t level = 0; level < kLevels; ++level) {
    const Level& l = levels_[level];
    if (!l.heads) continue;
    const uint64_t base = Base(level);
    for (uint32_t bucket = 0; bucket < kBuckets[level]; ++bucket) {
      if (l.used[bucket / 64] == 0) {
        bucket |= 63;
        continue;
      }
      const uint64_t tick = base + ((bucket - base) & (kBuckets[level] - 1));
      if (tick <= static_cast<uint64_t>(now) >> kShift[level]) visit_chunks(l.heads[bucket]);
    }
  }
}

void ExpiryWheel::StartPass() {
  pass_level_ = 1;  // what is on the finest level fires within a second
  pass_bucket_ = 0;
}

size_t ExpiryWheel::TakeForCheck(std::span<Arm> out) {
  while (checked_ == nullptr && pass_level_ < kLevels) {
    Level& l = levels_[pass_level_];
    if (!l.heads || pass_bucket_ == kBuckets[pass_level_]) {
      ++pass_level_;
      pass_bucket_ = 0;
      continue;
    }
    const uint32_t bucket = pass_bucket_++;
    if (l.heads[bucket] == nullptr) continue;
    const uint64_t base = Base(pass_level_);
    const uint64_t tick = base + ((bucket - base) & (kBuckets[pass_level_] - 1));
    checked_ = l.heads[bucket];
    checked_from_ = static_cast<TimeMs>(tick << kShift[pass_level_]);
    l.heads[bucket] = nullptr;
    l.used[bucket / 64] &= ~(uint64_t{1} << (bucket % 64));
  }
  return Pop(checked_, out);
}

bool ExpiryWheel::Clear(size_t budget) {
  std::array<Arm, 168> arms;
  for (; budget > 0 && size_ > 0; --budget) {
    if (Pop(checked_, arms) > 0 || Pop(late_, arms) > 0 || Pop(late_taken_, arms) > 0) continue;
    for (uint32_t level = 0; level < kLevels; ++level) {
      const uint64_t tick = FirstUsed(level);
      if (tick == kNoTick) continue;
      Level& l = levels_[level];
      const uint32_t bucket = static_cast<uint32_t>(tick) & (kBuckets[level] - 1);
      Pop(l.heads[bucket], arms);
      if (l.heads[bucket] == nullptr) l.used[bucket / 64] &= ~(uint64_t{1} << (bucket % 64));
      break;
    }
  }
  return size_ == 0;
}

ExpiryWheel::Bucket ExpiryWheel::PickBucket(DrawBits draw) {
  Chunk** const aside[] = {&late_, &late_taken_, &checked_};
  uint64_t count = 0;
  for (Chunk* const* const list : aside) count += *list != nullptr ? 1 : 0;
  for (const Level& level : levels_)
    for (const uint64_t word : level.used) count += static_cast<uint64_t>(std::popcount(word));
  uint64_t skip = ScaleBits(draw(), count);
  for (Chunk** const list : aside)
    if (*list != nullptr && skip-- == 0) return {list, nullptr, 0};
  for (Level& level : levels_) {
    for (uint32_t i = 0; i < kBitWordsMax; ++i) {
      uint64_t word = level.used[i];
      const auto here = static_cast<uint64_t>(std::popcount(word));
      if (skip >= here) {
        skip -= here;
        continue;
      }
      for (; skip > 0; --skip) word &= word - 1;
      const uint32_t bucket = i * 64 + static_cast<uint32_t>(std::countr_zero(word));
      return {&level.heads[bucket], &level, bucket};
    }
  }
  CheckFailed("an arm stands in some bucket", __FILE__, __LINE__);
}

Arm ExpiryWheel::TakeAny(DrawBits draw) {
  constexpr uint64_t kChunksMax = 8;  // that one looks into
  CHECK(size_ > 0);
  const Bucket bucket = PickBucket(draw);
  Chunk* chunk = *bucket.head;
  for (uint64_t skip = ScaleBits(draw(), kChunksMax); skip > 0 && chunk->next != nullptr; --skip)
    chunk = chunk->next;
  uint8_t* const place = chunk->At(ScaleBits(draw(), chunk->count));
  Arm arm = 0;
  std::memcpy(&arm, place, kArmBytes);
  // The first chunk alone may be partly filled, so its last arm fills the gap.
  uint8_t* const last_place = (*bucket.head)->At((*bucket.head)->count - size_t{1});
  Arm last = 0;
  std::memcpy(&last, last_place, kArmBytes);
  if (place != last_place) std::memcpy(place, &last, kArmBytes);
  CHECK(Pop(*bucket.head, std::span(&last, 1)) == 1);
  if (bucket.level != nullptr && *bucket.head == nullptr)
    bucket.level->used[bucket.number / 64] &= ~(uint64_t{1} << (bucket.number % 64));
  return arm;
}

}  // namespace cloakroom
