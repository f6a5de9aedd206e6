#pragma once

#include <algorithm>
#include <string>

#include "store/image/rdb_writer.h"

namespace cloakroom {

/// A dump file in memory.
class RdbText final : public RdbOutput {
 public:
  std::string bytes;
  size_t longest_part = 0;

  Result<void> Write(std::string_view part) override {
    longest_part = std::max(longest_part, part.size());
    bytes.append(part);
    return {};
  }
};

}  // namespace cloakroom
