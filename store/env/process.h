#pragma once

#include <cstddef>
#include <string>

namespace cloakroom {

/// What the process can tell of itself.
class Process {
 public:
  virtual ~Process() = default;

  [[nodiscard]] virtual int id() const = 0;
  /// Resident memory. Costs a system call.
  [[nodiscard]] virtual size_t ResidentBytes() const = 0;
  /// What the allocator has given out.
  [[nodiscard]] virtual size_t AllocatedBytes() const = 0;
  [[nodiscard]] virtual std::string AllocatorName() const = 0;
  /// Gives freed memory back to the kernel that has not been wanted again for a while.
  virtual void ReturnMemory() = 0;
  /// Raises the limit of open files so that `wanted` fit; returns the limit then in force.
  [[nodiscard]] virtual size_t RaiseFileLimit(size_t wanted) = 0;
};

}  // namespace cloakroom
