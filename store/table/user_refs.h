#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "store/base/position.h"
#include "store/table/table.h"

namespace cloakroom {

/// From users to their sessions, in seven bytes each: a bag of pairs (a user's position, a
/// session's brief position), of which 16 bits of the user are kept. So what it gives for a user
/// may now and then be another's: whoever asks looks at the session, which names its owner.
///
/// The pairs of a slot lie together in leaves: one leaf as long as they are few, then as many as
/// their number asks for, by linear hashing (Litwin, 1980), so that growth splits one leaf at a
/// time. A leaf is an entry of a table. Its key is the slot (u16) and its number (varint); its
/// value
///
///   pairs: tag u16 | brief bits u32 [| slot u16]     up to three free places (tag 0) at the end
///
/// The highest bit of the key's slot is set, and each pair has the session's slot, for sessions
/// that stand in other slots than their users: those whose tokens were minted elsewhere.
class UserRefs {
 public:
  /// `seed` keys the places of leaves; it must outlive this.
  explicit UserRefs(const uint64_t* seed);

  /// Returns how many pairs may be the user's now.
  size_t Add(const Position& user, const Position& session);
  /// Precondition: the pair was added.
  void Remove(const Position& user, const Position& session);
  /// Appends what may be the user's sessions: O(pairs in a leaf).
  void Find(const Position& user, std::vector<BriefPosition>& out) const;

  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] Table::Memory memory() const;
  bool Compact(size_t budget) { return table_.Compact(budget); }
  /// Frees about `budget` leaves; true when none is left.
  bool Drain(size_t budget);

 private:
  struct Slot {
    uint32_t pairs = 0;
    uint32_t leaves = 0;
  };
  /// The pairs of one slot whose sessions stand in it, or of those whose sessions do not.
  struct Group {
    uint16_t id;  // what the leaves' keys begin with
    size_t pair_bytes;
    Slot& slot;
  };

  [[nodiscard]] Group GroupOf(uint16_t slot, bool far);
  [[nodiscard]] KeyRef Ref(uint16_t group, uint32_t leaf) const;
  [[nodiscard]] static Position Locate(const void* seed, std::string_view key);
  void FindIn(const Slot* slots, const Position& user, bool far,
              std::vector<BriefPosition>& out) const;
  [[nodiscard]] std::string PairsOf(const Group& group, uint32_t leaf) const;
  void Write(const Group& group, uint32_t leaf, std::string_view pairs);
  void Grow(const Group& group);
  void Shrink(const Group& group);

  const uint64_t* seed_;
  Table table_;
  std::unique_ptr<Slot[]> near_;  // by slot; made with the first pair
  std::unique_ptr<Slot[]> far_;
  size_t size_ = 0;
  mutable std::string key_;  // of the newest Ref
};

}  // namespace cloakroom
