#include "store/table/table.h"

#include <algorithm>
#include <cstdlib>

#include "store/table/table_impl.h"

namespace cloakroom {

Table::Table(const Options& options) : impl_(std::make_unique<Impl>(options)) {
  CHECK(options.locate != nullptr);
}

// Pages go as a whole; only blocks of malloc's own must be looked for.
Table::~Table() {
  CHECK(capture_ == nullptr);
  if (impl_->heap.own_blocks() == 0) return;
  for (const IndexWord word : impl_->index.segments())
    word.segment().ForAll([this](const Segment::Place& place, uint32_t) {
      const PlaceWord at = place.Load();
      if (KindOf(at) == BlockKind::kOwn) impl_->heap.Free({EntryOf(at), BlockKind::kOwn});
    });
}

Entry* Table::Find(const KeyRef& key) const {
  const Segment::Place place = impl_->index.Search(
      key.position, [&key](const Entry* entry) { return entry->key() == key.bytes; });
  return place ? EntryOf(place.Load()) : nullptr;
}

void Table::ForEachAt(const BriefPosition& at, FunctionRef<void(Entry*)> visit) const {
  const uint64_t start = at.Prefix();
  uint64_t prefix = start;
  do {
    const IndexWord word = impl_->index.Lookup(prefix);
    if (word.IsSegment())
      SegmentIndex::SearchIn(word, at.Bucket(), at.Tag(), [&](Entry* entry) {
        if (BriefPosition::Of(impl_->Locate(*entry)) == at) visit(entry);
        return false;
      });
    if (word.depth() <= BriefPosition::kPrefixBits) return;
    prefix += word.depth() == 64 ? 1 : uint64_t{1} << (64 - word.depth());
  } while (prefix != 0 && RangeStart(prefix, BriefPosition::kPrefixBits) == start);
}

void Table::PrefetchBucket(const Position& position) const {
  const IndexWord word = impl_->index.Lookup(position.Prefix());
  if (!word.IsSegment()) return;
  const Segment segment = word.segment();
  __builtin_prefetch(segment.Line(position.Bucket() & segment.mask()));
}

void Table::PrefetchEntry(const Position& position) const {
  const uint32_t lines = impl_->lines_fetched;
  impl_->index.Search(position, [lines](const Entry* entry) {
    const auto* line = reinterpret_cast<const char*>(entry);
    for (uint32_t i = 0; i < lines; ++i) __builtin_prefetch(line + size_t{i} * 64);
    // To the optimizer a prefetch has no effect: without this it drops the whole search.
    asm volatile("");
    return false;
  });
}

// As many lines as the mean block takes, wherever it begins. What is not on its way when the value
// is copied is waited for, 70 ns and more; a line for nothing costs about one (bench/PROFILE.md).
void Table::Impl::NoteBlockSize() {
  constexpr size_t kLinesMax = 10;
  const size_t blocks = size - heap.own_blocks();
  if (blocks == 0) return;
  lines_fetched =
      static_cast<uint32_t>(std::min(heap.slab_used_bytes() / blocks / 64 + 2, kLinesMax));
}

Entry* Table::Insert(const KeyRef& key, ValueType type, Encoding encoding, size_t value_bytes) {
  DCHECK(Find(key) == nullptr);
  CHECK(value_bytes <= UINT32_MAX);
  WillChange(key);
  const Block block = impl_->heap.Allocate(Entry::BlockBytes(key.bytes.size(), value_bytes));
  auto* entry = static_cast<Entry*>(block.at);
  entry->Init(key.bytes, type, encoding, static_cast<uint32_t>(value_bytes));
  impl_->index.Insert(key.position, MakePlaceWord(entry, block.kind));
  if ((++impl_->size & 1023) == 0) impl_->NoteBlockSize();
  if (impl_->options.count_slots) {
    if (!impl_->slot_counts) impl_->slot_counts = std::make_unique<uint32_t[]>(kSlotCount);
    ++impl_->slot_counts[key.position.slot];
  }
  return entry;
}

Entry* Table::Resize(const KeyRef& key, Entry* entry, size_t value_bytes) {
  CHECK(value_bytes <= UINT32_MAX);
  WillChange(key);
  const Segment::Place place = impl_->index.PlaceOf(key.position, entry);
  const PlaceWord old = place.Load();
  const Block held{entry, KindOf(old)};
  Block block;
  if (value_bytes > Entry::kShortValueMax && !entry->is_long()) [[unlikely]] {
    block = impl_->Lengthen(held, value_bytes);
  } else {
    const size_t fixed = entry->FixedBytes();
    const size_t used = fixed + std::min<size_t>(entry->value_size(), value_bytes);
    block = impl_->heap.Resize(held, used, fixed + value_bytes);
  }
  auto* fresh = static_cast<Entry*>(block.at);
  if (fresh != entry) place.Store(MakePlaceWord(fresh, block.kind) | (old & kDisplaced));
  fresh->set_value_size(static_cast<uint32_t>(value_bytes));
  return fresh;
}

// A new block in the long form, for a value that outgrows the short one.
Block Table::Impl::Lengthen(Block old, size_t value_bytes) {
  const auto* entry = static_cast<const Entry*>(old.at);
  const std::string_view key = entry->key();
  const std::string_view value = entry->value();
  const Block block = heap.Allocate(Entry::BlockBytes(key.size(), value_bytes));
  auto* fresh = static_cast<Entry*>(block.at);
  fresh->Init(key, entry->type(), entry->encoding(), static_cast<uint32_t>(value_bytes));
  fresh->set_deadline(entry->deadline());
  fresh->set_armed(entry->armed());
  fresh->set_clock(entry->clock());
  std::copy(value.begin(), value.end(), fresh->value_data());
  heap.Free(old);
  return block;
}

void Table::Erase(const KeyRef& key, Entry* entry) {
  WillChange(key);
  const TimeMs deadline = entry->deadline();
  const PlaceWord word = impl_->index.Remove(key.position, entry);
  impl_->heap.Free({entry, KindOf(word)});
  --impl_->size;
  if (impl_->slot_counts) --impl_->slot_counts[key.position.slot];
  if (deadline != kNoDeadline) {
    impl_->ForgetDeadline(deadline);
    impl_->AssistCheck();
  }
}

size_t Table::size() const { return impl_->size; }

uint32_t Table::SlotSize(uint32_t slot) const {
  CHECK(impl_->options.count_slots && slot < kSlotCount);
  return impl_->slot_counts ? impl_->slot_counts[slot] : 0;
}

size_t Table::WithDeadline() const { return impl_->with_deadline; }

TimeMs Table::MeanDeadline() const {
  if (impl_->with_deadline == 0) return 0;
  return static_cast<TimeMs>(impl_->deadline_sum / impl_->with_deadline);
}

Table::Memory Table::memory() const {
  Memory memory;
  memory.index_bytes = sizeof(Impl) + impl_->index.bytes() + impl_->heap.overhead_bytes();
  if (impl_->slot_counts) memory.index_bytes += kSlotCount * sizeof(uint32_t);
  memory.slab_bytes = impl_->heap.page_bytes();
  memory.large_bytes = impl_->heap.own_bytes();
  memory.block_bytes = impl_->heap.slab_used_bytes() + impl_->heap.own_bytes();
  memory.going_bytes = impl_->heap.slow_bytes();
  memory.wheel_bytes = impl_->wheel ? impl_->wheel->bytes() : 0;
  return memory;
}

size_t Table::CountBlockBytes() const {
  size_t bytes = 0;
  for (const IndexWord word : impl_->index.segments())
    word.segment().ForAll([&bytes](const Segment::Place& place, uint32_t) {
      const PlaceWord at = place.Load();
      bytes += SlabHeap::Capacity({EntryOf(at), KindOf(at)});
    });
  return bytes;
}

}  // namespace cloakroom
