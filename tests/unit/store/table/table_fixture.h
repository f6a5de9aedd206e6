#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "store/base/hash.h"
#include "store/table/table.h"

namespace cloakroom {

/// A table whose keys stand where `Locate` says, and short ways to use it.
class TableFixture : public ::testing::Test {
 public:
  using Locate = Position (*)(const void*, std::string_view);

  static constexpr uint64_t kSeed = 0x5EED;

  static Position BySlot(const void*, std::string_view key) {
    return Position{SlotOf(key), HashBytes(key, kSeed)};
  }
  /// As the insides of collections are: no slot, all bits from the hash.
  static Position ByHash(const void*, std::string_view key) {
    return PositionOfHash(HashBytes(key, kSeed));
  }
  /// All keys in one slot, as with one {tag}.
  static Position OneSlot(const void*, std::string_view key) {
    return Position{4711, HashBytes(key, kSeed)};
  }
  /// The worst there is: all bits of the position are the same.
  static Position OnePlace(const void*, std::string_view) { return Position{4711, 0x1234567890}; }
  /// All bits that lead to a segment are the same, bucket and tag are not.
  static Position OnePrefix(const void*, std::string_view key) {
    return Position{4711, HashBytes(key, kSeed) & 0x3FFF};
  }

  explicit TableFixture(Locate locate = BySlot) { Use(locate); }

  void Use(Locate locate) {
    locate_ = locate;
    Table::Options options;
    options.locate = locate;
    table = std::make_unique<Table>(options);
  }

  [[nodiscard]] KeyRef Ref(std::string_view key) const { return {key, locate_(nullptr, key)}; }

  Entry* Put(std::string_view key, std::string_view value) {
    Entry* entry = table->Find(Ref(key));
    entry = entry == nullptr
                ? table->Insert(Ref(key), ValueType::kString, Encoding::kPlain, value.size())
                : table->Resize(Ref(key), entry, value.size());
    std::memcpy(entry->value_data(), value.data(), value.size());
    return entry;
  }
  bool Drop(std::string_view key) {
    Entry* entry = table->Find(Ref(key));
    if (entry == nullptr) return false;
    table->Erase(Ref(key), entry);
    return true;
  }
  void CompactAll() {
    int rounds = 0;
    while (!table->Compact(1000)) ASSERT_LT(++rounds, 100000) << "Compact must come to an end";
  }

  std::unique_ptr<Table> table;

 private:
  Locate locate_ = nullptr;
};

}  // namespace cloakroom
