#include "store/table/table_capture.h"

#include <algorithm>

#include "store/base/check.h"
#include "store/base/planted.h"
#include "store/table/table_impl.h"

namespace cloakroom {
namespace {

constexpr size_t kBatch = 48;           // entries that are fetched together
constexpr uint32_t kGatherSteps = 256;  // segments' buckets that one batch looks at

}  // namespace

TableCapture::TableCapture(Table& table, Sink& sink) : table_(table), sink_(sink) {
  CHECK(table.capture_ == nullptr);
  table.capture_ = this;
  if (table.size() == 0) done_ = true;
}

TableCapture::~TableCapture() { table_.capture_ = nullptr; }

void Table::TellCapture(const Position& position) { capture_->BeforeChange(position); }

bool TableCapture::WasHandedOut(const Position& position) const {
  const uint64_t prefix = position.Prefix();
  if (prefix < range_.start) return true;
  if (!in_range_ || !range_.Holds(prefix)) return false;
  const uint32_t bucket = position.Bucket();
  return bucket < bucket_ || (bucket == bucket_ && prefix < prefix_);
}

// Keys whose positions are the same have one fate: all that stand there are handed out together, so
// the position says enough.
void TableCapture::BeforeChange(const Position& position) {
  if (!done_ && !WasHandedOut(position) && touched_.Insert(position)) {
    const bool missed = Planted(Plant::kPreImageMissed) && touched_.size() % 8 == 0;
    const Table::Impl& t = *table_.impl_;
    t.index.Search(position, [&](const Entry* entry) {
      if (!missed && t.Locate(*entry) == position) sink_.Take(*entry);
      return false;
    });
  }
  if (!awaited_.empty() && std::find(awaited_.begin(), awaited_.end(), position) != awaited_.end())
      [[unlikely]]
    sink_.BeforeChange(position);
}

void TableCapture::NoLongerAwait(const Position& position) {
  const auto it = std::find(awaited_.begin(), awaited_.end(), position);
  CHECK(it != awaited_.end());
  awaited_.erase(it);
}

bool TableCapture::Step(size_t& budget) {
  while (!done_ && budget > 0) {
    batch_.clear();
    Gather(std::min(budget, kBatch));
    for (const Entry* const entry : batch_)
      if (touched_.size() == 0 || !touched_.Contains(table_.impl_->Locate(*entry)))
        sink_.Take(*entry);
    budget -= std::min(budget, std::max<size_t>(batch_.size(), 1));
  }
  return done_;
}

// Nothing changes until what was gathered has been handed out: so the walk may be ahead of it.
void TableCapture::Gather(size_t wanted) {
  for (uint32_t steps = 0; steps < kGatherSteps && batch_.size() < wanted && !done_; ++steps) {
    if (!in_range_) {
      const IndexWord word = table_.impl_->index.Lookup(range_.start);
      range_.depth = std::max(word.depth(), PrefixRange::DepthOfStart(range_.start));
      if (word.IsEmpty()) {
        NextRange();
        continue;
      }
      in_range_ = true;
      bucket_ = 0;
      prefix_ = range_.start;
    }
    GatherSegment();
  }
}

// A range stays as it was begun: where its segment splits meanwhile, each bucket is gathered from
// all of its parts, one a step. Where parts merge, what was gathered of them is left out.
void TableCapture::GatherSegment() {
  const SegmentIndex& index = table_.impl_->index;
  const IndexWord word = index.Lookup(prefix_);
  const uint64_t segment_start = RangeStart(prefix_, word.depth());
  const bool begun = segment_start < prefix_ && prefix_ != range_.start;
  if (word.IsSegment())
    VisitHomeBucket(index, word, range_, bucket_, [&](const Entry& entry) {
      if (begun && index.locator()(entry).Prefix() < prefix_) return;
      const char* const line = reinterpret_cast<const char*>(&entry);
      __builtin_prefetch(line);
      __builtin_prefetch(line + 64);
      batch_.push_back(&entry);
    });
  if (word.depth() > range_.depth) {
    prefix_ = PrefixRange::After(segment_start, word.depth());
    if (prefix_ != 0 && range_.Holds(prefix_)) return;
  }
  prefix_ = range_.start;
  if (++bucket_ == kHomeBuckets) NextRange();
}

void TableCapture::NextRange() {
  in_range_ = false;
  range_.start = PrefixRange::After(range_.start, range_.depth);
  if (range_.start == 0) done_ = true;
}

}  // namespace cloakroom
