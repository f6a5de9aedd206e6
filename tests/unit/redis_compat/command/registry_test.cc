#include "redis_compat/command/registry.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "redis_compat/command/context.h"

namespace cloakroom {
namespace {

Result<void> Nothing(CommandContext& /*ctx*/, Args /*args*/, Reply& reply) { return reply.Ok(); }

CommandSpec Named(std::string_view name, KeyRange keys = {}) {
  return {.name = name,
          .arity = -1,
          .flags = 0,
          .keys = keys,
          .categories = "",
          .group = "",
          .since = "",
          .summary = "",
          .syntax = "",
          .handler = Nothing};
}

std::vector<size_t> Keys(KeyRange range, const std::vector<std::string_view>& words, bool valid) {
  std::vector<size_t> keys;
  EXPECT_EQ(FindKeys(Named("x", range), Args(words), keys), valid);
  return keys;
}

TEST(RegistryTest, NamesAreFoundInEitherCase) {
  static const CommandSpec kRows[] = {Named("get"), Named("session.create"), Named("client-like")};
  Registry registry;
  registry.Add(kRows);
  EXPECT_EQ(registry.Find("GeT")->full_name, "get");
  EXPECT_EQ(registry.Find("SESSION.CREATE")->full_name, "session.create");
  EXPECT_EQ(registry.Find("gets"), nullptr);
  EXPECT_EQ(registry.Find("ge"), nullptr);
  EXPECT_EQ(registry.Find(""), nullptr);
  EXPECT_EQ(registry.Find(std::string(100'000, 'x')), nullptr);
  // The hash sets bit 5 of every byte; the comparison must not.
  EXPECT_EQ(registry.Find("client\x0dlike"), nullptr);
  EXPECT_EQ(registry.Find("session\x0e"
                          "create"),
            nullptr);
}

// The index grows as families are added; whatever was there stays there.
TEST(RegistryTest, ManyNamesStayFindable) {
  std::deque<std::string> names;
  std::vector<CommandSpec> rows;
  for (int i = 0; i < 500; ++i) names.push_back("command" + std::to_string(i));
  for (const std::string& name : names) rows.push_back(Named(name));
  Registry registry;
  registry.Add(rows);
  for (const std::string& name : names) {
    ASSERT_NE(registry.Find(name), nullptr) << name;
    EXPECT_EQ(registry.Find(name)->full_name, name);
  }
  EXPECT_EQ(registry.commands().size(), 500U);
}

TEST(RegistryTest, SubcommandsResolveByTheSecondWord) {
  static const CommandSpec kSubs[] = {Named("id"), Named("list")};
  static CommandSpec rows[] = {Named("client"), Named("get")};
  rows[0].subcommands = kSubs;
  Registry registry;
  registry.Add(rows);
  const auto resolve = [&](std::vector<std::string_view> words) {
    const Command* command = registry.Resolve(Args(words));
    return command == nullptr ? "" : command->full_name;
  };
  EXPECT_EQ(resolve({"Client", "ID"}), "client|id");
  EXPECT_EQ(resolve({"client"}), "client") << "alone it is the container, which arity refuses";
  EXPECT_EQ(resolve({"client", "nope"}), "");
  EXPECT_EQ(resolve({"get", "id"}), "get");
  EXPECT_EQ(resolve({}), "");
}

TEST(FindKeysTest, RangesCountFromEitherEnd) {
  EXPECT_EQ(Keys({1, 1, 1}, {"get", "a"}, true), (std::vector<size_t>{1}));
  EXPECT_EQ(Keys({1, -1, 1}, {"del", "a", "b"}, true), (std::vector<size_t>{1, 2}));
  EXPECT_EQ(Keys({1, -1, 2}, {"mset", "a", "1", "b", "2"}, true), (std::vector<size_t>{1, 3}));
  EXPECT_EQ(Keys({1, 2, 1}, {"rename", "a"}, false), (std::vector<size_t>{1}));
  EXPECT_TRUE(Keys({}, {"ping"}, true).empty());
}

}  // namespace
}  // namespace cloakroom
