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
  /// What the allocator has given out: some 10 us.
  [[nodiscard]] virtual size_t AllocatedBytes() const = 0;
  struct Allocator {
    size_t allocated = 0;  // given out
    size_t active = 0;     // the pages that it lies on
    size_t resident = 0;   // all pages that the allocator holds
  };
  /// The same and more, in one reading.
  [[nodiscard]] virtual Allocator AllocatorFigures() const = 0;
  [[nodiscard]] virtual std::string AllocatorName() const = 0;
  /// The allocator's own statistics, in its words; empty when it has none.
  [[nodiscard]] virtual std::string AllocatorReport() const = 0;
  /// The machine's memory, and the limit of the control group that the process is in; 0: none.
  [[nodiscard]] virtual size_t SystemMemoryBytes() const = 0;
  [[nodiscard]] virtual size_t CgroupMemoryBytes() const = 0;
  /// Gives a little of the freed memory back to the kernel that has not been wanted again for a
  /// while. Returns whether there is more: then it is to be called again within milliseconds, for
  /// what it gives back grows with the time since the last call.
  virtual bool ReturnMemory() = 0;
  /// Gives all that is free back to the kernel, now.
  virtual void PurgeMemory() = 0;
  /// Raises the limit of open files so that `wanted` fit; returns the limit then in force.
  [[nodiscard]] virtual size_t RaiseFileLimit(size_t wanted) = 0;
};

}  // namespace cloakroom
