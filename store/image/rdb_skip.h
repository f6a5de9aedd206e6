#pragma once

#include <cstdint>

#include "store/image/rdb_cursor.h"
#include "store/image/rdb_format.h"

namespace cloakroom {

/// Passes over a value of a type that we do not have, a unit at a time, exactly as far as it goes.
/// What is packed in its strings is not looked at.
class RdbSkipper {
 public:
  /// A value of `layout` begins. Precondition: one that is only passed over.
  void Start(RdbLayout layout);
  /// What follows is what a module wrote, up to its end mark.
  void StartModuleParts() { stage_ = Stage::kModulePart; }

  /// Passes over the next unit and says whether it was the last. When the cursor is not ok
  /// afterwards, nothing was passed over.
  [[nodiscard]] bool Next(RdbCursor& cursor);

 private:
  /// What the next unit is. Those from kStreamNode on are a stream:
  ///   n (id, listpack) | numbers | n (group)
  ///   group:     name, last id, (from 2 on) entries read | n (id, time, count) | n (consumer)
  ///   consumer:  name, time seen, (from 3 on) time active | n (id)
  enum class Stage : uint8_t {
    kCount,
    kElement,
    kBlob,
    kModuleId,
    kModulePart,
    kStreamNodes,
    kStreamNode,
    kStreamNumbers,
    kGroup,
    kPending,
    kConsumers,
    kConsumer,
    kConsumerPending,
    kDone,
  };

  void Element(RdbCursor& cursor) const;
  Stage AfterModulePart(RdbCursor& cursor) const;
  void StreamUnit(RdbCursor& cursor);
  void StreamNumbers(RdbCursor& cursor);
  void Group(RdbCursor& cursor);
  void Consumer(RdbCursor& cursor);
  void Settle();
  [[nodiscard]] bool Since(RdbLayout layout) const { return layout_ >= layout; }

  RdbLayout layout_ = RdbLayout::kBlob;
  Stage stage_ = Stage::kDone;
  uint64_t left_ = 0;  // elements, nodes or pending entries still to come
  uint64_t groups_left_ = 0;
  uint64_t consumers_left_ = 0;
};

}  // namespace cloakroom
