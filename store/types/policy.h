#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "store/base/result.h"
#include "store/op/session_policy.h"

namespace cloakroom {

/// A policy as it is read and shown: names and values. Times without `-ms` are seconds.
struct PolicyItem {
  std::string_view name;
  std::variant<int64_t, std::string_view> value;
};

/// All items, in the order in which they are documented.
[[nodiscard]] std::vector<PolicyItem> ListPolicy(const SessionPolicy& policy);

/// Sets one item. Names and words are taken in either case.
///   errors  kInvalid      no such name, or not one of its words
///           kOutOfRange   outside the item's interval
///           kUnavailable  an ack level that needs a log on disk or replicas
[[nodiscard]] Result<void> SetPolicyItem(SessionPolicy& policy, std::string_view name,
                                         std::string_view value);

}  // namespace cloakroom
