#include "redis_compat/migrate/absolute_expiry.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cloakroom {
namespace {

std::string Rewritten(const std::vector<std::string_view>& words) {
  AbsoluteExpiry absolute;
  std::string text;
  for (const std::string_view word : absolute.Rewrite(Args(words), 1'000'000).words())
    text.append(text.empty() ? "" : " ").append(word);
  return text;
}

TEST(AbsoluteExpiryTest, MakesAnInstantOfASpan) {
  EXPECT_EQ(Rewritten({"SET", "k", "v", "EX", "10"}), "SET k v PXAT 1010000");
  EXPECT_EQ(Rewritten({"set", "k", "v", "NX", "px", "10"}), "set k v NX PXAT 1000010");
  EXPECT_EQ(Rewritten({"SETEX", "k", "10", "v"}), "SET k v PXAT 1010000");
  EXPECT_EQ(Rewritten({"PSETEX", "k", "10", "v"}), "SET k v PXAT 1000010");
  EXPECT_EQ(Rewritten({"EXPIRE", "k", "10"}), "PEXPIREAT k 1010000");
  EXPECT_EQ(Rewritten({"PEXPIRE", "k", "10", "GT"}), "PEXPIREAT k 1000010 GT");
  EXPECT_EQ(Rewritten({"GETEX", "k", "EX", "1"}), "GETEX k PXAT 1001000");
  EXPECT_EQ(Rewritten({"RESTORE", "k", "10", "p"}), "RESTORE k 1000010 p ABSTTL");
  EXPECT_EQ(Rewritten({"RESTORE", "k", "10", "p", "REPLACE"}),
            "RESTORE k 1000010 p REPLACE ABSTTL");
}

TEST(AbsoluteExpiryTest, LeavesTheRestAsItIs) {
  for (const std::vector<std::string_view>& words :
       std::vector<std::vector<std::string_view>>{{"SET", "EX", "10"},
                                                  {"SET", "k", "EX", "NX"},
                                                  {"SET", "k", "v", "PXAT", "10"},
                                                  {"SET", "k", "v", "EX", "x"},
                                                  {"SET", "k", "v", "EX", "9223372036854775807"},
                                                  {"SETEX", "k", "10"},
                                                  {"PEXPIREAT", "k", "10"},
                                                  {"RESTORE", "k", "0", "p"},
                                                  {"RESTORE", "k", "10", "p", "ABSTTL"},
                                                  {"DEL", "EXPIRE", "10"},
                                                  {"PERSIST", "k"}}) {
    std::string text;
    for (const std::string_view word : words) text.append(text.empty() ? "" : " ").append(word);
    EXPECT_EQ(Rewritten(words), text);
  }
}

}  // namespace
}  // namespace cloakroom
