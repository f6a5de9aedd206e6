#pragma once

#include <cstdint>

namespace cloakroom {

/// How far a record must have come before the reply that depends on it may leave.
enum class AckLevel : uint8_t {
  kMemory,    // applied here
  kOs,        // handed to the kernel: survives the end of the process
  kDisk,      // synced: survives a power cut
  kReplicas,  // applied on replicas
};

}  // namespace cloakroom
