#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cloakroom {

/// Appends a listpack to `out`, see packed_form.h. Numbers in strict form are written as such, as
/// Redis does.
class ListpackWriter {
 public:
  explicit ListpackWriter(std::string& out);
  /// Precondition: the whole stays below 4 GiB.
  void Add(std::string_view element);
  /// Call once, at the end.
  void Finish();

 private:
  std::string& out_;
  const size_t start_;
  uint64_t count_ = 0;
};

}  // namespace cloakroom
