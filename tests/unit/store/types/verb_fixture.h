#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string_view>
#include <vector>

#include "store/op/op_reader.h"
#include "store/op/write_batch.h"
#include "store/table/keyspace.h"
#include "store/types/key.h"
#include "tests/support/seeded_random.h"

namespace cloakroom {

/// A keyspace of one database, and a batch that verbs fill and Commit applies.
class VerbFixture : public ::testing::Test {
 protected:
  static constexpr TimeMs kNow = 1'700'000'000'000;

  /// The place of `key`, for one verb: it holds until the next At or Commit.
  const Place& At(std::string_view key) {
    ref_ = keys.Ref(key);
    place_.emplace(Place{0, ref_, keys.Find(0, ref_, kNow)});
    return *place_;
  }
  /// Applies the batch as one record and empties it.
  void Commit() {
    if (!batch.empty()) keys.Apply({++sequence_, 1, kNow}, batch.bytes(), batch.positions());
    batch.Clear();
  }
  /// The kinds of the ops in the batch, in order.
  [[nodiscard]] std::vector<OpKind> Kinds() const {
    std::vector<OpKind> kinds;
    OpReader reader(batch.bytes());
    for (Op op; reader.Next(op);) kinds.push_back(op.kind);
    return kinds;
  }
  [[nodiscard]] bool Exists(std::string_view key) const {
    return keys.Find(0, keys.Ref(key), kNow) != nullptr;
  }

  Keyspace keys{1, 7};
  WriteBatch batch;
  SeededRandom random{20240117};

 private:
  KeyRef ref_;
  std::optional<Place> place_;
  uint64_t sequence_ = 0;
};

}  // namespace cloakroom
