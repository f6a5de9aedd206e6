#include "store/image/rdb_skip.h"

#include <fmt/format.h>

#include "store/base/check.h"

namespace cloakroom {
namespace {

constexpr uint64_t kStreamIdBytes = 16;
constexpr uint64_t kTimeBytes = 8;
constexpr uint64_t kDoubleBytes = 8;
constexpr uint64_t kFloatBytes = 4;
constexpr uint8_t kNumberTextMax = 252;  // 253 .. 255: not a number, infinite, and nothing follows

// What a module writes: each value after what it is, then the end.
enum ModulePart : uint64_t {
  kModuleEnd = 0,
  kModuleSigned = 1,
  kModuleUnsigned = 2,
  kModuleFloat = 3,
  kModuleDouble = 4,
  kModuleString = 5,
};

}  // namespace

void RdbSkipper::Start(RdbLayout layout) {
  layout_ = layout;
  switch (layout) {
    case RdbLayout::kBlob:
      stage_ = Stage::kBlob;
      return;
    case RdbLayout::kStrings:
    case RdbLayout::kStringsText:
    case RdbLayout::kStringsDouble:
    case RdbLayout::kStringsTagged:
      stage_ = Stage::kCount;
      return;
    case RdbLayout::kStream1:
    case RdbLayout::kStream2:
    case RdbLayout::kStream3:
      stage_ = Stage::kStreamNodes;
      return;
    case RdbLayout::kModule:
      stage_ = Stage::kModuleId;
      return;
    default:
      CHECK(!"a layout that can be passed over");
  }
}

// A unit is read whole before anything of it is kept, so that it can be read again when it was cut
// off: each stage changes the state only where the cursor is ok.
bool RdbSkipper::Next(RdbCursor& cursor) {
  switch (stage_) {
    case Stage::kCount:
      left_ = cursor.Length();
      if (cursor.ok()) stage_ = left_ > 0 ? Stage::kElement : Stage::kDone;
      break;
    case Stage::kElement:
      Element(cursor);
      if (cursor.ok() && --left_ == 0) stage_ = Stage::kDone;
      break;
    case Stage::kBlob:
      cursor.SkipString();
      if (cursor.ok()) stage_ = Stage::kDone;
      break;
    case Stage::kModuleId:
      cursor.SkipLength();
      if (cursor.ok()) stage_ = Stage::kModulePart;
      break;
    case Stage::kModulePart: {
      const Stage after = AfterModulePart(cursor);
      if (cursor.ok()) stage_ = after;
      break;
    }
    default:
      StreamUnit(cursor);
  }
  return stage_ == Stage::kDone;
}

void RdbSkipper::Element(RdbCursor& cursor) const {
  if (layout_ == RdbLayout::kStringsTagged) cursor.SkipLength();
  cursor.SkipString();
  if (layout_ == RdbLayout::kStringsDouble) cursor.Skip(kDoubleBytes);
  if (layout_ != RdbLayout::kStringsText) return;
  const uint8_t size = cursor.Byte();
  if (size <= kNumberTextMax) cursor.Skip(size);
}

RdbSkipper::Stage RdbSkipper::AfterModulePart(RdbCursor& cursor) const {
  const uint64_t start = cursor.offset();
  const uint64_t part = cursor.Length();
  switch (part) {
    case kModuleEnd:
      return Stage::kDone;
    case kModuleSigned:
    case kModuleUnsigned:
      cursor.SkipLength();
      break;
    case kModuleFloat:
      cursor.Skip(kFloatBytes);
      break;
    case kModuleDouble:
      cursor.Skip(kDoubleBytes);
      break;
    case kModuleString:
      cursor.SkipString();
      break;
    default:
      cursor.Fail(start, fmt::format("a part of a module's value, not {}", part));
  }
  return Stage::kModulePart;
}

void RdbSkipper::StreamUnit(RdbCursor& cursor) {
  switch (stage_) {
    case Stage::kStreamNodes: {
      const uint64_t nodes = cursor.Length();
      if (!cursor.ok()) return;
      left_ = nodes;
      stage_ = Stage::kStreamNode;
      break;
    }
    case Stage::kStreamNode:
      cursor.SkipString();
      cursor.SkipString();
      if (!cursor.ok()) return;
      --left_;
      break;
    case Stage::kStreamNumbers:
      return StreamNumbers(cursor);
    case Stage::kGroup:
      return Group(cursor);
    case Stage::kPending:
      cursor.Skip(kStreamIdBytes + kTimeBytes);
      cursor.SkipLength();
      if (!cursor.ok()) return;
      --left_;
      break;
    case Stage::kConsumers: {
      const uint64_t consumers = cursor.Length();
      if (!cursor.ok()) return;
      consumers_left_ = consumers;
      stage_ = Stage::kConsumer;
      break;
    }
    case Stage::kConsumer:
      return Consumer(cursor);
    case Stage::kConsumerPending:
      cursor.Skip(kStreamIdBytes);
      if (!cursor.ok()) return;
      --left_;
      break;
    default:
      CHECK(!"a stage of a stream");
  }
  Settle();
}

void RdbSkipper::StreamNumbers(RdbCursor& cursor) {
  const int numbers = Since(RdbLayout::kStream2) ? 8 : 3;
  for (int i = 0; i < numbers; ++i) cursor.SkipLength();
  const uint64_t groups = cursor.Length();
  if (!cursor.ok()) return;
  groups_left_ = groups;
  stage_ = Stage::kGroup;
  Settle();
}

void RdbSkipper::Group(RdbCursor& cursor) {
  cursor.SkipString();
  const int numbers = Since(RdbLayout::kStream2) ? 3 : 2;
  for (int i = 0; i < numbers; ++i) cursor.SkipLength();
  const uint64_t pending = cursor.Length();
  if (!cursor.ok()) return;
  --groups_left_;
  left_ = pending;
  stage_ = Stage::kPending;
  Settle();
}

void RdbSkipper::Consumer(RdbCursor& cursor) {
  cursor.SkipString();
  cursor.Skip(Since(RdbLayout::kStream3) ? 2 * kTimeBytes : kTimeBytes);
  const uint64_t pending = cursor.Length();
  if (!cursor.ok()) return;
  --consumers_left_;
  left_ = pending;
  stage_ = Stage::kConsumerPending;
  Settle();
}

/// Goes on to the next stage that has something left.
void RdbSkipper::Settle() {
  if (stage_ == Stage::kStreamNode && left_ == 0) stage_ = Stage::kStreamNumbers;
  if (stage_ == Stage::kPending && left_ == 0) stage_ = Stage::kConsumers;
  if (stage_ == Stage::kConsumerPending && left_ == 0) stage_ = Stage::kConsumer;
  if (stage_ == Stage::kConsumer && consumers_left_ == 0) stage_ = Stage::kGroup;
  if (stage_ == Stage::kGroup && groups_left_ == 0) stage_ = Stage::kDone;
}

}  // namespace cloakroom
