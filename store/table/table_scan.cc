#include <algorithm>

#include "store/table/prefix_range.h"
#include "store/table/table_impl.h"

namespace cloakroom {
namespace {

// A cursor, below 2^53: range prefix (41 bits) | depth (6) | bucket (6). It says: of the range of
// prefixes that share the first `depth` bits with `prefix`, the home buckets below `bucket` have
// been visited, and so has all that stands before the range. Where the range lies, and which home
// bucket an entry has, no split, merge or move changes. Prefix and depth count from the top of what
// is scanned: the whole table, or a slot.
constexpr uint32_t kPrefixBits = 41;
// How many empty buckets and ranges one call skips.
constexpr uint32_t kStepsMax = 256;

class Scanner {
 public:
  Scanner(const SegmentIndex& index, const PrefixRange& whole) : index_(index), whole_(whole) {}

  uint64_t Step(uint64_t cursor, FunctionRef<void(Entry&)> visit) {
    Decode(cursor);
    uint32_t visited = 0;
    for (uint32_t steps = 0; steps < kStepsMax && visited == 0; ++steps) {
      FitRange();
      const IndexWord word = index_.Lookup(range_.start);
      if (word.IsEmpty() && word.depth() <= range_.depth) {
        bucket_ = kHomeBuckets;
      } else {
        visited += VisitRange(visit);
        ++bucket_;
      }
      if (bucket_ == kHomeBuckets && !NextRange()) return 0;
    }
    return Encode();
  }

 private:
  [[nodiscard]] uint32_t deepest() const { return std::min(whole_.depth + kPrefixBits, 64U); }

  // Any number is a cursor: what cannot have come from Encode is cut to what could.
  void Decode(uint64_t cursor) {
    const uint64_t prefix = (cursor >> 12) << (64 - kPrefixBits);
    range_.depth = std::min(whole_.depth + static_cast<uint32_t>((cursor >> 6) & 63), deepest());
    range_.start = whole_.start | (prefix >> whole_.depth);
    bucket_ = static_cast<uint32_t>(cursor & 63);
    if (bucket_ == 0)
      range_.start = RangeStart(range_.start, deepest());
    else
      range_.start = RangeStart(range_.start, range_.depth);
  }

  [[nodiscard]] uint64_t Encode() const {
    const uint64_t prefix = (range_.start << whole_.depth) >> (64 - kPrefixBits);
    const uint32_t depth = bucket_ == 0 ? 0 : range_.depth - whole_.depth;
    return prefix << 12 | uint64_t{depth} << 6 | bucket_;
  }

  // A range that nothing was visited of yet reaches to the end of its segment, if it can be written
  // so. One whose segment has split meanwhile is cut to the first part: the others are visited from
  // their first bucket, some entries twice. So a call never visits more than one segment, but for
  // those too deep for a cursor.
  void FitRange() {
    const uint32_t depth = index_.Lookup(range_.start).depth();
    if (bucket_ == 0)
      range_.depth = std::max({depth, PrefixRange::DepthOfStart(range_.start), whole_.depth});
    else
      range_.depth = std::max(range_.depth, depth);
    range_.depth = std::min(range_.depth, deepest());
  }

  // Returns how many entries were visited.
  uint32_t VisitRange(FunctionRef<void(Entry&)> visit) const {
    uint32_t visited = 0;
    uint64_t prefix = range_.start;
    do {
      const IndexWord word = index_.Lookup(prefix);
      const uint32_t depth = word.depth();
      if (word.IsSegment()) visited += VisitHomeBucket(index_, word, range_, bucket_, visit);
      if (depth <= range_.depth) break;
      prefix = PrefixRange::After(prefix, depth);
    } while (prefix != 0 && range_.Holds(prefix));
    return visited;
  }

  bool NextRange() {
    bucket_ = 0;
    if (range_.depth == 0) return false;
    range_.start = PrefixRange::After(range_.start, range_.depth);
    return range_.start != 0 && whole_.Holds(range_.start);
  }

  const SegmentIndex& index_;
  PrefixRange whole_;
  PrefixRange range_;
  uint32_t bucket_ = 0;
};

}  // namespace

uint64_t Table::Scan(uint64_t cursor, FunctionRef<void(Entry&)> visit) const {
  return Scanner(impl_->index, PrefixRange{}).Step(cursor, visit);
}

uint64_t Table::ScanSlot(uint32_t slot, uint64_t cursor, FunctionRef<void(Entry&)> visit) const {
  return Scanner(impl_->index, PrefixRange{uint64_t{slot} << 50, 14}).Step(cursor, visit);
}

Entry* Table::Pick(DrawBits draw) const {
  if (impl_->size == 0) return nullptr;
  const auto& segments = impl_->index.segments();
  // A place that is empty, or that a small segment lacks, is drawn again, segment and all: so each
  // entry is as likely as any other.
  constexpr int kTries = 48;
  const uint64_t places =
      segments.size() == 1 ? segments[0].segment().places() : Segment::kPlacesMax;
  for (int i = 0; i < kTries; ++i) {
    const Segment segment = segments[ScaleBits(draw(), segments.size())].segment();
    const auto number = static_cast<uint32_t>(ScaleBits(draw(), places));
    if (number >= segment.places()) continue;
    uint32_t home = 0;
    if (const Segment::Place place = segment.PlaceAt(number, home)) return EntryOf(place.Load());
  }
  // Mostly empty segments: the n-th entry of the first that has one, from a random one on.
  size_t at = ScaleBits(draw(), segments.size());
  while (segments[at].segment().header().count == 0) at = (at + 1) % segments.size();
  const Segment segment = segments[at].segment();
  uint64_t skip = ScaleBits(draw(), segment.header().count);
  Entry* picked = nullptr;
  segment.ForAll([&](const Segment::Place& place, uint32_t) {
    if (skip-- == 0) picked = EntryOf(place.Load());
  });
  return picked;
}

Entry* Table::PickExpiring(DrawBits draw) {
  constexpr size_t kFew = 16;  // one of so many, or fewer
  constexpr int kPicks = 4 * kFew;
  Impl& t = *impl_;
  if (t.with_deadline == 0) return nullptr;
  if (t.with_deadline >= t.size / kFew) {
    for (int i = 0; i < kPicks; ++i) {
      Entry* const entry = Pick(draw);
      if (entry != nullptr && entry->deadline() != kNoDeadline) return entry;
    }
  }
  // Arms that have outlived their entry are dropped as they are met, so all draws together cost no
  // more than those that made them.
  while (t.wheel->size() > 0) {
    const Arm arm = t.wheel->TakeAny(draw);
    Entry* found = nullptr;
    t.ForArm(arm, [&](Entry* entry) {
      if (!entry->armed() || ArmOf(t.Locate(*entry)) != arm) return false;
      found = entry;
      return true;
    });
    if (found == nullptr) continue;
    t.KeepArm(arm);
    return found;
  }
  return nullptr;
}

}  // namespace cloakroom
