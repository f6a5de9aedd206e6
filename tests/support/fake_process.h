#pragma once

#include <algorithm>
#include <string>

#include "store/env/process.h"

namespace cloakroom {

/// A process of fixed size.
class FakeProcess final : public Process {
 public:
  [[nodiscard]] int id() const override { return 4711; }
  [[nodiscard]] size_t ResidentBytes() const override { return 2 << 20; }
  [[nodiscard]] size_t AllocatedBytes() const override { return allocated_bytes; }
  [[nodiscard]] Allocator AllocatorFigures() const override {
    return {allocated_bytes, allocated_bytes + (1 << 19), 2 << 20};
  }
  [[nodiscard]] std::string AllocatorReport() const override { return "all is well"; }
  [[nodiscard]] size_t SystemMemoryBytes() const override { return size_t{8} << 30; }
  [[nodiscard]] size_t CgroupMemoryBytes() const override { return cgroup_bytes; }
  [[nodiscard]] std::string AllocatorName() const override { return "none"; }
  bool ReturnMemory() override {
    ++returns;
    if (freed_slices > 0) --freed_slices;
    return freed_slices > 0;
  }
  void PurgeMemory() override { ++purges; }
  [[nodiscard]] size_t RaiseFileLimit(size_t wanted) override {
    return std::min(wanted, files_max);
  }

  size_t files_max = 1 << 20;
  size_t allocated_bytes = 1 << 20;
  size_t cgroup_bytes = 0;
  int purges = 0;
  int freed_slices = 0;  // how many calls of ReturnMemory have something to give back
  int returns = 0;       // and how many there were
};

}  // namespace cloakroom
