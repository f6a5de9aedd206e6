#include "store/image/rdb_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "store/base/check.h"
#include "store/base/number.h"
#include "store/image/packed_form.h"

namespace cloakroom {
namespace {

/// How many elements of a packed form make one of the collection.
size_t TupleSize(RdbLayout layout) {
  switch (layout) {
    case RdbLayout::kListpackTriples:
    case RdbLayout::kListpackTriplesX:
      return 3;
    case RdbLayout::kListpackMembers:
    case RdbLayout::kIntset:
      return 1;
    default:
      return 2;
  }
}

using Walker = Result<void> (*)(std::string_view, PackedVisit);

Walker WalkerOf(RdbLayout layout) {
  switch (layout) {
    case RdbLayout::kZipmap:
      return ForEachInZipmap;
    case RdbLayout::kZiplistPairs:
      return ForEachInZiplist;
    case RdbLayout::kIntset:
      return ForEachInIntset;
    default:
      return ForEachInListpack;
  }
}

/// A field's deadline as we keep deadlines. What makes no sense as a time is long past.
TimeMs FieldDeadline(int64_t deadline) { return std::clamp<int64_t>(deadline, 1, kDeadlineMax); }

}  // namespace

Result<void> RdbParts::Add(std::string_view word) {
  Hold(word);
  return FlushFull();
}

Result<void> RdbParts::Add(std::string_view field, std::string_view value) {
  Hold(field);
  Hold(value);
  return FlushFull();
}

void RdbParts::Hold(std::string_view word) {
  bytes_.append(word);
  ends_.push_back(bytes_.size());
}

Result<void> RdbParts::FlushFull() {
  return ends_.size() < kWordsMax && bytes_.size() < kBytesMax ? Result<void>() : Flush();
}

Result<void> RdbParts::Flush() {
  if (ends_.empty()) return {};
  words_.clear();
  size_t start = 0;
  for (const size_t end : ends_) {
    words_.push_back(std::string_view(bytes_).substr(start, end - start));
    start = end;
  }
  Result<void> done = sink_.Part(words_);
  ends_.clear();
  if (bytes_.capacity() > 2 * kBytesMax) bytes_ = std::string();
  bytes_.clear();
  return done;
}

void RdbValueReader::Start(const RdbType& type, const RdbKey& key) {
  CHECK(type.kind != RdbKind::kOther);
  layout_ = type.layout;
  key_ = &key;
  begun_ = false;
  left_.reset();
  first_deadline_ = 0;
  held_ = 0;
}

Result<bool> RdbValueReader::Next(RdbCursor& cursor) {
  switch (layout_) {
    case RdbLayout::kString:
      return String(cursor);
    case RdbLayout::kPairs:
    case RdbLayout::kPairsDeadlines:
    case RdbLayout::kPairsTimes:
    case RdbLayout::kPairsEndings:
    case RdbLayout::kMembers:
      return Counted(cursor);
    default:
      return Packed(cursor);
  }
}

Result<bool> RdbValueReader::String(RdbCursor& cursor) {
  const std::string_view value = cursor.String(decoded_[0]);
  if (!cursor.ok()) return false;
  TRY_VOID(Begin());
  TRY_VOID(sink_.Part({&value, 1}));
  TRY_VOID(End());
  return true;
}

Result<bool> RdbValueReader::Counted(RdbCursor& cursor) {
  if (!left_) {
    const int64_t first = layout_ == RdbLayout::kPairsTimes ? cursor.Int<int64_t>() : 0;
    const uint64_t count = cursor.Length();
    if (!cursor.ok()) return false;
    first_deadline_ = first;
    left_ = count;
    return count == 0;
  }
  TRY_VOID(Element(cursor));
  if (!cursor.ok() || --*left_ > 0) return false;
  TRY_VOID(End());
  return true;
}

Result<void> RdbValueReader::Element(RdbCursor& cursor) {
  if (layout_ == RdbLayout::kMembers) {
    const std::string_view member = cursor.String(decoded_[0]);
    if (!cursor.ok()) return {};
    TRY_VOID(Begin());
    return parts_.Add(member);
  }
  uint64_t until = 0;
  if (layout_ == RdbLayout::kPairsDeadlines || layout_ == RdbLayout::kPairsTimes)
    until = cursor.Length();
  const std::string_view field = cursor.String(decoded_[0]);
  const std::string_view value = cursor.String(decoded_[1]);
  const int64_t ending = layout_ == RdbLayout::kPairsEndings ? cursor.Int<int64_t>() : -1;
  if (!cursor.ok()) return {};

  TimeMs deadline = kNoDeadline;
  if (ending != -1) deadline = FieldDeadline(ending);
  if (until != 0) {
    // Unsigned, so that hostile numbers wrap instead of overflowing.
    const uint64_t before =
        layout_ == RdbLayout::kPairsTimes ? static_cast<uint64_t>(first_deadline_) - 1 : 0;
    deadline = FieldDeadline(static_cast<int64_t>(before + until));
  }
  return EmitField(field, value, deadline);
}

Result<bool> RdbValueReader::Packed(RdbCursor& cursor) {
  if (layout_ == RdbLayout::kListpackTriplesX) cursor.Skip(sizeof(int64_t));  // the first deadline
  packed_at_ = cursor.offset();
  const std::string_view packed = cursor.String(decoded_[0]);
  if (!cursor.ok()) return false;

  Result<void> taken;
  const Result<void> walked = WalkerOf(layout_)(packed, [&](std::string_view element) {
    taken = PackedElement(element);
    return taken.has_value();
  });
  TRY_VOID(taken);
  if (!walked) return Malformed(walked.error().message);
  if (held_ != 0)
    return Malformed(fmt::format("expected {} elements for each field", TupleSize(layout_)));
  if (begun_) TRY_VOID(End());
  return true;
}

tl::unexpected<Error> RdbValueReader::Malformed(std::string_view what) const {
  return Fail(Code::kInvalid, "offset {}: {}", packed_at_, what);
}

Result<void> RdbValueReader::PackedElement(std::string_view element) {
  const size_t tuple = TupleSize(layout_);
  if (tuple == 1) {
    TRY_VOID(Begin());
    return parts_.Add(element);
  }
  if (held_ == 0) {
    field_.assign(element);
    held_ = 1;
    return {};
  }
  if (tuple == 2) {
    held_ = 0;
    return EmitField(field_, element, kNoDeadline);
  }
  if (held_ == 1) {
    value_.assign(element);
    held_ = 2;
    return {};
  }
  held_ = 0;
  int64_t deadline = 0;
  if (!ParseInteger(element, deadline))
    return Malformed("expected the deadline of a field as a number");
  return EmitField(field_, value_, deadline == 0 ? kNoDeadline : FieldDeadline(deadline));
}

Result<void> RdbValueReader::EmitField(std::string_view field, std::string_view value,
                                       TimeMs deadline) {
  TRY_VOID(Begin());
  if (deadline == kNoDeadline) return parts_.Add(field, value);
  return sink_.FieldWithDeadline(field, value, deadline);
}

Result<void> RdbValueReader::Begin() {
  if (begun_) return {};
  begun_ = true;
  return sink_.Begin(*key_);
}

Result<void> RdbValueReader::End() {
  TRY_VOID(parts_.Flush());
  return sink_.End();
}

}  // namespace cloakroom
