#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/base/result.h"
#include "store/wal/wal_format.h"

namespace cloakroom {

/// Which histories a state has come through, oldest first: each began with a promotion, or with
/// the empty start. Two logs hold the same records as far as their lineages agree, and no further:
/// their numbers alone prove nothing.
class Lineage {
 public:
  struct Step {
    HistoryId history{};
    uint64_t epoch = 0;
    uint64_t first = 0;  // the first record that belongs to it, whether it is there already or not
    friend bool operator==(const Step&, const Step&) = default;
  };
  /// More promotions than this ago nobody can go on from: he needs a full sync.
  static constexpr size_t kStepsMax = 64;

  /// One history, all along. It begins with record 1.
  [[nodiscard]] static Lineage Of(const HistoryId& history, uint64_t epoch) {
    Lineage lineage;
    lineage.steps_.push_back({history, epoch, 1});
    return lineage;
  }

  /// From record `first` on it is another history.
  ///   precondition  neither the epoch nor `first` is less than those of the newest step
  void Add(const Step& step);
  /// Somebody else's, of which the records up to `last` are known: steps that begin later go.
  void CutAfter(uint64_t last);

  [[nodiscard]] const Step& newest() const { return steps_.back(); }
  [[nodiscard]] const std::vector<Step>& steps() const { return steps_; }

  /// Up to which record both hold the same, when this one's newest record is `last` and the other's
  /// `other_last`; nothing: they have no history in common. O(steps^2).
  [[nodiscard]] std::optional<uint64_t> CommonWith(const Lineage& other, uint64_t last,
                                                   uint64_t other_last) const;

  /// count varint, then history (16), epoch varint, first varint each.
  void AppendTo(std::string& out) const;
  ///   errors  kDamaged  it is not of that form, or its steps go back
  [[nodiscard]] static Result<Lineage> Decode(std::string_view& in);

  friend bool operator==(const Lineage&, const Lineage&) = default;

 private:
  [[nodiscard]] uint64_t LastOf(size_t step, uint64_t last) const;

  std::vector<Step> steps_;  // never empty, once made
};

/// 32 hex digits.
[[nodiscard]] std::string HistoryText(const HistoryId& history);

}  // namespace cloakroom
