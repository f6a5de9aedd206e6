#pragma once

#include <cstdint>

namespace cloakroom {

/// Whether the log has space for a record.
enum class LogRoom : uint8_t {
  kYes,
  kLater,  // more is being reserved; ask again when GroupCommit has told of a change
  kNo,     // it cannot be had
};

}  // namespace cloakroom
