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
  [[nodiscard]] size_t AllocatedBytes() const override { return 1 << 20; }
  [[nodiscard]] std::string AllocatorName() const override { return "none"; }
  void ReturnMemory() override {}
  [[nodiscard]] size_t RaiseFileLimit(size_t wanted) override {
    return std::min(wanted, files_max);
  }

  size_t files_max = 1 << 20;
};

}  // namespace cloakroom
