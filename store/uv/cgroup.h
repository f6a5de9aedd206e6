#pragma once

#include <cstddef>
#include <string>

namespace cloakroom {

/// The memory limit that the kernel sets this process through its control group, as containers
/// (docker, Kubernetes) have one: the least of memory.max (version 2) or memory.limit_in_bytes
/// (version 1) of its group and those above it. 0: there is none.
///   root  where proc/ and sys/ are found: "/", or a folder that a test has filled
[[nodiscard]] size_t CgroupMemoryLimit(const std::string& root);

}  // namespace cloakroom
