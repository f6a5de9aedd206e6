#pragma once

#include "store/env/process.h"

namespace cloakroom {

/// This process, as Linux and the allocator know it.
class UvProcess final : public Process {
 public:
  [[nodiscard]] int id() const override;
  [[nodiscard]] size_t ResidentBytes() const override;
  [[nodiscard]] size_t AllocatedBytes() const override;
  [[nodiscard]] Allocator AllocatorFigures() const override;
  [[nodiscard]] std::string AllocatorName() const override;
  [[nodiscard]] std::string AllocatorReport() const override;
  [[nodiscard]] size_t SystemMemoryBytes() const override;
  [[nodiscard]] size_t CgroupMemoryBytes() const override;
  bool ReturnMemory() override;
  void PurgeMemory() override;
  [[nodiscard]] size_t RaiseFileLimit(size_t wanted) override;
};

}  // namespace cloakroom
