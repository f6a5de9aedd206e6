#include "store/types/policy.h"

#include <algorithm>
#include <array>
#include <limits>

#include "store/base/number.h"
#include "store/types/session.h"

namespace cloakroom {
namespace {

constexpr int64_t kSpanSecondsMax = kSpanMsMax / kSecondMs;
constexpr int64_t kTombstoneSecondsMax = 30 * kDayMs / kSecondMs;
constexpr int64_t kMaxBytesMax = int64_t{64} << 20;

/// A number in the policy: where it stands, in which unit it is shown, and its interval.
struct NumberItem {
  std::string_view name;
  int64_t (*get)(const SessionPolicy&);
  void (*set)(SessionPolicy&, int64_t);
  int64_t min;
  int64_t max;
};

template <auto kField, int64_t kUnit>
constexpr NumberItem Number(std::string_view name, int64_t min, int64_t max) {
  return {name,
          [](const SessionPolicy& policy) { return static_cast<int64_t>(policy.*kField) / kUnit; },
          [](SessionPolicy& policy, int64_t value) {
            policy.*kField =
                static_cast<std::remove_reference_t<decltype(policy.*kField)>>(value * kUnit);
          },
          min, max};
}

constexpr std::array kNumbers = {
    Number<&SessionPolicy::idle_ms, kSecondMs>("idle", 1, kSpanSecondsMax),
    Number<&SessionPolicy::abs_ms, kSecondMs>("abs", 1, kSpanSecondsMax),
    Number<&SessionPolicy::anon_idle_ms, kSecondMs>("anon-idle", 1, kSpanSecondsMax),
    Number<&SessionPolicy::anon_abs_ms, kSecondMs>("anon-abs", 1, kSpanSecondsMax),
    Number<&SessionPolicy::max, 1>("max", 0, kCapMax),
    Number<&SessionPolicy::grace_ms, 1>("grace-ms", 0, kGraceMsMax),
    Number<&SessionPolicy::quantum_ms, 1>("quantum-ms", 0, kDayMs),
    Number<&SessionPolicy::tombstone_ms, kSecondMs>("tombstone", 0, kTombstoneSecondsMax),
    Number<&SessionPolicy::max_bytes, 1>("max-bytes", 1, kMaxBytesMax),
    Number<&SessionPolicy::ack_timeout_ms, 1>("ack-timeout-ms", 0, kDayMs),
};

constexpr std::array<std::string_view, 15> kOrder = {
    "idle",     "abs",          "anon-idle",  "anon-abs",       "max",
    "on-limit", "grace-ms",     "quantum-ms", "tombstone",      "max-bytes",
    "on-reuse", "strict-login", "ack",        "ack-timeout-ms", "preset"};

constexpr std::array<std::string_view, 2> kOnLimit = {"evict", "reject"};
constexpr std::array<std::string_view, 2> kOnReuse = {"count", "revoke"};
constexpr std::array<std::string_view, 2> kNoYes = {"no", "yes"};
constexpr std::array<std::string_view, 4> kPresets = {"none", "aal1", "aal2", "aal3"};
constexpr std::array<std::string_view, 4> kAcks = {"server", "memory", "os", "disk"};

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 0x20);
  return lower;
}

template <size_t kCount>
Result<size_t> Choose(std::string_view name, std::string_view value,
                      const std::array<std::string_view, kCount>& words) {
  const auto it = std::find(words.begin(), words.end(), Lower(value));
  if (it != words.end()) return static_cast<size_t>(it - words.begin());
  std::string all;
  for (const std::string_view word : words) all += (all.empty() ? "" : ", ") + std::string(word);
  return Fail(Code::kInvalid, "{} must be one of: {}", name, all);
}

// NIST SP 800-63B, sections 4.1.3, 4.2.3 and 4.3.3: when a user must authenticate again. At the
// first level no inactivity limit is asked for, so only the absolute one ends the session.
void ApplyPreset(SessionPolicy& policy, PolicyPreset preset) {
  policy.preset = preset;
  if (preset == PolicyPreset::kAal1) {
    policy.idle_ms = policy.abs_ms = 30 * kDayMs;
  } else if (preset == PolicyPreset::kAal2) {
    policy.idle_ms = 30 * kMinuteMs;
    policy.abs_ms = 12 * kHourMs;
  } else if (preset == PolicyPreset::kAal3) {
    policy.idle_ms = 15 * kMinuteMs;
    policy.abs_ms = 12 * kHourMs;
  }
}

Result<void> SetAck(SessionPolicy& policy, std::string_view value) {
  const std::string lower = Lower(value);
  const auto it = std::find(kAcks.begin(), kAcks.end(), lower);
  if (it != kAcks.end()) {
    policy.ack = static_cast<PolicyAck>(it - kAcks.begin());
    return {};
  }
  if (lower.substr(0, lower.find(' ')) == "replicas")
    return Fail(Code::kUnavailable, "ack replicas is not available: this server has no replicas");
  return Fail(Code::kInvalid, "ack must be one of: server, memory, os, disk, replicas N");
}

}  // namespace

std::vector<PolicyItem> ListPolicy(const SessionPolicy& policy) {
  std::vector<PolicyItem> items;
  for (const std::string_view name : kOrder) {
    const auto number = std::find_if(kNumbers.begin(), kNumbers.end(),
                                     [&](const NumberItem& item) { return item.name == name; });
    if (number != kNumbers.end()) items.push_back({name, number->get(policy)});
    if (name == "on-limit") items.push_back({name, kOnLimit[static_cast<size_t>(policy.on_limit)]});
    if (name == "on-reuse") items.push_back({name, kOnReuse[static_cast<size_t>(policy.on_reuse)]});
    if (name == "strict-login") items.push_back({name, kNoYes[policy.strict_login ? 1 : 0]});
    if (name == "ack") items.push_back({name, kAcks[static_cast<size_t>(policy.ack)]});
    if (name == "preset") items.push_back({name, kPresets[static_cast<size_t>(policy.preset)]});
  }
  return items;
}

Result<void> SetPolicyItem(SessionPolicy& policy, std::string_view name, std::string_view value) {
  const std::string lower = Lower(name);
  for (const NumberItem& item : kNumbers) {
    if (item.name != lower) continue;
    int64_t number = 0;
    if (!ParseInteger(value, number))
      return Fail(Code::kInvalid, "{} is not an integer or out of range", item.name);
    if (number < item.min || number > item.max)
      return Fail(Code::kOutOfRange, "{} {}, must be {} to {}", item.name, number, item.min,
                  item.max);
    item.set(policy, number);
    // What a preset stands for no longer holds.
    if (item.name == "idle" || item.name == "abs") policy.preset = PolicyPreset::kNone;
    return {};
  }
  if (lower == "on-limit") {
    TRY(const size_t word, Choose(lower, value, kOnLimit));
    policy.on_limit = static_cast<OnLimit>(word);
  } else if (lower == "on-reuse") {
    TRY(const size_t word, Choose(lower, value, kOnReuse));
    policy.on_reuse = static_cast<OnReuse>(word);
  } else if (lower == "strict-login") {
    TRY(const size_t word, Choose(lower, value, kNoYes));
    policy.strict_login = word == 1;
  } else if (lower == "preset") {
    TRY(const size_t word, Choose(lower, value, kPresets));
    ApplyPreset(policy, static_cast<PolicyPreset>(word));
  } else if (lower == "ack") {
    return SetAck(policy, value);
  } else {
    return Fail(Code::kInvalid, "no policy '{}'", name);
  }
  return {};
}

}  // namespace cloakroom
