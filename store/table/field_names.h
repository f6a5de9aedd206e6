#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/base/hash.h"

namespace cloakroom {

/// The names of fields and meta that the sessions of one namespace share, each stored once and
/// counted. Names beyond the first few thousand, and long ones, stand in the session itself: an
/// application with endlessly many names cannot grow the dictionary without end.
///
/// In a value a name is a varint: id * 2, or size * 2 + 1 and then the bytes.
class FieldNames {
 public:
  static constexpr size_t kNamesMax = 4096;
  static constexpr size_t kNameBytesMax = 128;

  /// `seed` keys the hash of names, so that no client can aim for collisions.
  explicit FieldNames(uint64_t seed) : ids_(0, KeyedHash{seed}) {}

  /// Appends `name`, counting one use of it.
  void Append(std::string& out, std::string_view name);

  /// Reads a name and moves `at` past it. The view is valid as long as the name is used.
  [[nodiscard]] std::string_view Read(const char*& at) const;

  /// Moves `at` past a name.
  static void Skip(const char*& at);

  /// Takes back one use of the name that stands at `at`.
  void Release(const char* at);

  [[nodiscard]] size_t size() const { return ids_.size(); }
  /// About what the dictionary takes.
  [[nodiscard]] size_t bytes() const { return bytes_; }

 private:
  struct Name {
    std::string text;
    uint64_t uses = 0;
  };

  // Views of the texts in names_.
  std::unordered_map<std::string_view, uint32_t, KeyedHash> ids_;
  std::vector<std::unique_ptr<Name>> names_;  // by id; nullptr: free
  std::vector<uint32_t> free_;
  size_t bytes_ = 0;
};

}  // namespace cloakroom
