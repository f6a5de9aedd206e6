#include "store/types/policy.h"

#include <gtest/gtest.h>

#include <string>

namespace cloakroom {
namespace {

std::string Show(const SessionPolicy& policy) {
  std::string out;
  for (const PolicyItem& item : ListPolicy(policy)) {
    out += std::string(item.name) + "=";
    if (const auto* number = std::get_if<int64_t>(&item.value))
      out += std::to_string(*number);
    else
      out += std::get<std::string_view>(item.value);
    out += ' ';
  }
  return out;
}

std::string ErrorOf(std::string_view name, std::string_view value) {
  SessionPolicy policy;
  const SessionPolicy before = policy;
  const auto set = SetPolicyItem(policy, name, value);
  EXPECT_EQ(policy, before) << "a refused value changes nothing";
  return set ? "" : set.error().message;
}

TEST(PolicyTest, DefaultsAreTheDocumentedOnes) {
  EXPECT_EQ(Show(SessionPolicy{}),
            "idle=1800 abs=2592000 anon-idle=600 anon-abs=86400 max=0 on-limit=evict grace-ms=0 "
            "quantum-ms=60000 tombstone=60 max-bytes=65536 on-reuse=count strict-login=no "
            "ack=server ack-timeout-ms=1000 preset=none ");
}

TEST(PolicyTest, SetsEveryItem) {
  SessionPolicy policy;
  const std::pair<std::string_view, std::string_view> items[] = {
      {"idle", "1"},          {"abs", "2"},
      {"anon-idle", "3"},     {"ANON-ABS", "4"},
      {"max", "5"},           {"on-limit", "REJECT"},
      {"grace-ms", "6"},      {"quantum-ms", "7"},
      {"tombstone", "8"},     {"max-bytes", "9"},
      {"on-reuse", "revoke"}, {"strict-login", "yes"},
      {"ack", "Disk"},        {"ack-timeout-ms", "10"}};
  for (const auto& [name, value] : items)
    EXPECT_TRUE(SetPolicyItem(policy, name, value).has_value()) << name;
  EXPECT_EQ(Show(policy),
            "idle=1 abs=2 anon-idle=3 anon-abs=4 max=5 on-limit=reject grace-ms=6 quantum-ms=7 "
            "tombstone=8 max-bytes=9 on-reuse=revoke strict-login=yes ack=disk "
            "ack-timeout-ms=10 preset=none ");
}

// The timeouts of NIST SP 800-63B.
TEST(PolicyTest, PresetsSetIdleAndAbs) {
  SessionPolicy policy;
  ASSERT_TRUE(SetPolicyItem(policy, "preset", "aal1").has_value());
  EXPECT_EQ(policy.abs_ms, 30 * kDayMs);
  EXPECT_EQ(policy.idle_ms, 30 * kDayMs);
  ASSERT_TRUE(SetPolicyItem(policy, "preset", "aal2").has_value());
  EXPECT_EQ(policy.abs_ms, 12 * kHourMs);
  EXPECT_EQ(policy.idle_ms, 30 * kMinuteMs);
  ASSERT_TRUE(SetPolicyItem(policy, "preset", "AAL3").has_value());
  EXPECT_EQ(policy.abs_ms, 12 * kHourMs);
  EXPECT_EQ(policy.idle_ms, 15 * kMinuteMs);
  EXPECT_EQ(policy.preset, PolicyPreset::kAal3);
  ASSERT_TRUE(SetPolicyItem(policy, "idle", "60").has_value());
  EXPECT_EQ(policy.preset, PolicyPreset::kNone) << "it is the preset's no more";
}

TEST(PolicyTest, ErrorsNameTheItemAndItsLimits) {
  EXPECT_EQ(ErrorOf("idle", "0"), "idle 0, must be 1 to 315360000");
  EXPECT_EQ(ErrorOf("abs", "315360001"), "abs 315360001, must be 1 to 315360000");
  EXPECT_EQ(ErrorOf("max", "x"), "max is not an integer or out of range");
  EXPECT_EQ(ErrorOf("on-limit", "both"), "on-limit must be one of: evict, reject");
  EXPECT_EQ(ErrorOf("colour", "red"), "no policy 'colour'");
  EXPECT_EQ(ErrorOf("ack", "never"), "ack must be one of: server, memory, os, disk, replicas N");
}

// A promise that cannot be kept yet must not be taken.
TEST(PolicyTest, AcksThatNeedReplicasAreRefused) {
  for (const std::string_view ack : {"replicas 2", "replicas"})
    EXPECT_NE(ErrorOf("ack", ack).find("not available"), std::string::npos) << ack;
}

}  // namespace
}  // namespace cloakroom
