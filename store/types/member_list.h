#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <deque>
#include <span>
#include <string_view>
#include <vector>

#include "store/base/check.h"
#include "store/table/set_value.h"

namespace cloakroom {

/// Members taken out of sets: views that hold until the next Apply. Those of an intset exist as
/// text only while they are visited, so the list keeps a copy of them.
class MemberList {
 public:
  MemberList() = default;
  MemberList(MemberList&&) = default;  // the copies keep their addresses
  MemberList& operator=(MemberList&&) = default;
  MemberList(const MemberList&) = delete;
  MemberList& operator=(const MemberList&) = delete;

  /// Adds `member`, which is being visited in `set`.
  void Add(const Entry& set, std::string_view member) { views_.push_back(Hold(set, member)); }

  /// A view of `member` that outlives the visit; does not add it.
  [[nodiscard]] std::string_view Hold(const Entry& set, std::string_view member) {
    if (!SetIsIntset(set)) return member;
    CHECK(member.size() <= kIntegerCharsMax);
    auto& copy = copies_.emplace_back();
    std::memcpy(copy.data(), member.data(), member.size());
    return {copy.data(), member.size()};
  }
  void AddHeld(std::string_view member) { views_.push_back(member); }

  void Reserve(size_t count) { views_.reserve(count); }
  void Clear() {
    views_.clear();
    copies_.clear();
  }

  [[nodiscard]] size_t size() const { return views_.size(); }
  [[nodiscard]] bool empty() const { return views_.empty(); }
  [[nodiscard]] std::span<const std::string_view> views() const { return views_; }
  [[nodiscard]] std::vector<std::string_view>& views() { return views_; }

 private:
  static constexpr size_t kIntegerCharsMax = 20;  // -9223372036854775808

  std::vector<std::string_view> views_;
  std::deque<std::array<char, kIntegerCharsMax>> copies_;
};

}  // namespace cloakroom
