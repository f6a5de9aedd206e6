#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/base/hash.h"
#include "store/base/time.h"
#include "store/table/field_names.h"

namespace cloakroom {

/// What sessions have in common that were made by the same code of an application. Its bytes:
///
///   ns varint | idle varint | abs varint | meta count varint | field count varint |
///   names of meta | names of fields (see FieldNames)
struct SessionShape {
  uint32_t ns = 0;  // a Namespace's id, local to the process
  TimeMs idle_ms = 0;
  TimeMs abs_ms = 0;
  uint32_t meta_count = 0;
  uint32_t field_count = 0;      // deleted ones included
  const char* names = nullptr;   // of meta, then of fields
  std::string_view description;  // the bytes, `names` in them
  uint64_t number = 0;           // of a shared one: no other ever has the same; 0: not shared

  /// Reads back what AppendTo wrote. O(1).
  [[nodiscard]] static SessionShape Read(std::string_view description);
  /// Appends all but the names.
  void AppendHead(std::string& out) const;
};

/// The shapes that sessions share, each stored once and counted, so that a session holds a short
/// number for its lifetimes and names. A shape is shared from its second use within a while on: of
/// those that one session alone has, as where its absolute end was shortened, there may be any
/// number, each costs more than it saves, and together they would leave no room for the others. For
/// them, for long ones, and when a namespace has too many, the description stands in the session.
class SessionShapes {
 public:
  static constexpr size_t kShapesMax = 4096;  // of one namespace
  static constexpr size_t kDescriptionBytesMax = 512;
  /// About so many other new shapes may come between two uses of one.
  static constexpr size_t kRecentMax = 1024;

  /// `seed` keys the hash of descriptions.
  explicit SessionShapes(uint64_t seed) : seed_(seed), ids_(0, KeyedHash{seed}) {}

  /// Counts one use of a shape; returns its id, from 1 on. `description` holds one use of each of
  /// its names, which goes over to the shape. 0: it is not shared, and the uses stay as they are.
  [[nodiscard]] uint32_t Use(std::string_view description, FieldNames& names);
  /// Counts one more use of a shape that is in use.
  void UseAgain(uint32_t id) { ++shapes_[id - 1]->uses; }
  /// The shape that was used last, or 0: most likely the next session's too.
  [[nodiscard]] uint32_t newest() const { return newest_; }
  /// Takes back one use.
  void Release(uint32_t id, FieldNames& names);
  [[nodiscard]] const SessionShape& At(uint32_t id) const { return shapes_[id - 1]->shape; }

  [[nodiscard]] size_t size() const { return ids_.size(); }
  /// About what they take.
  [[nodiscard]] size_t bytes() const { return bytes_; }

 private:
  [[nodiscard]] bool SeenBefore(std::string_view description);

  struct Shared {
    std::string bytes;
    SessionShape shape;
    uint64_t uses = 0;
  };

  uint64_t seed_;
  // Parts of the hashes of shapes that were used once lately, each at the place that its hash says.
  std::array<uint32_t, kRecentMax> recent_{};
  // Views of the bytes in shapes_.
  std::unordered_map<std::string_view, uint32_t, KeyedHash> ids_;
  std::vector<std::unique_ptr<Shared>> shapes_;  // by id - 1; nullptr: free
  std::vector<uint32_t> free_;
  std::vector<uint32_t> of_namespace_;  // how many, by the namespace's id
  size_t bytes_ = 0;
  uint64_t made_ = 0;
  uint32_t newest_ = 0;
};

/// Takes back the uses of the names in a description.
void ReleaseNames(const SessionShape& shape, FieldNames& names);

}  // namespace cloakroom
