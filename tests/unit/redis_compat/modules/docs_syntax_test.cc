#include "redis_compat/modules/docs_syntax.h"

#include <gtest/gtest.h>

#include <random>

namespace cloakroom {
namespace {

/// A tree in one line: name:type, tokens in front, {block}, <one|of>, [optional], ... multiple.
std::string Shown(const std::vector<DocArgument>& arguments, std::string_view separator = " ") {
  std::string text;
  for (const DocArgument& argument : arguments) {
    std::string one;
    if (argument.type == "pure-token")
      one = argument.token;
    else if (argument.type == "oneof")
      one = "<" + Shown(argument.arguments, "|") + ">";
    else if (argument.type == "block")
      one = "{" + Shown(argument.arguments) + "}";
    else
      one = argument.name + ":" + argument.type;
    if (argument.key_spec >= 0) one += "#" + std::to_string(argument.key_spec);
    if (argument.type != "pure-token" && !argument.token.empty()) one = argument.token + " " + one;
    if (argument.multiple) one += "...";
    if (argument.multiple_token) one += "T";
    if (argument.optional) one = "[" + one + "]";
    if (!text.empty()) text += separator;
    text += one;
  }
  return text;
}

std::string Parsed(std::string_view syntax) { return Shown(ParseDocSyntax(syntax)); }

TEST(DocsSyntaxTest, PlainArguments) {
  EXPECT_EQ(Parsed(""), "");
  EXPECT_EQ(Parsed("key value"), "key:key#0 value:string");
  EXPECT_EQ(Parsed("key newkey"), "key:key#0 newkey:key#1");
  EXPECT_EQ(Parsed("pattern unix-time-seconds"), "pattern:pattern unix-time-seconds:unix-time");
}

TEST(DocsSyntaxTest, OptionsTokensAndChoices) {
  EXPECT_EQ(Parsed("[NX | XX] [GET] [EX seconds | KEEPTTL]"),
            "[<NX|XX>] [GET] [<EX seconds:integer|KEEPTTL>]");
  EXPECT_EQ(Parsed("[LIMIT offset count]"), "[LIMIT {offset:integer count:integer}]");
  EXPECT_EQ(Parsed("<ON | OFF>"), "<ON|OFF>");
  EXPECT_EQ(Parsed("[TYPE <A | B>]"), "[TYPE <A|B>]");
  EXPECT_EQ(Parsed("[count [WITHVALUES]]"), "[{count:integer [WITHVALUES]}]");
  EXPECT_EQ(Parsed("ns user|\"\""), "ns:string user:string \"\":string")
      << "a bar outside brackets parts nothing";
}

TEST(DocsSyntaxTest, Repetitions) {
  EXPECT_EQ(Parsed("key [key ...]"), "key:key#0...");
  EXPECT_EQ(Parsed("key field value [field value ...]"),
            "key:key#0 {field:string value:string}...");
  EXPECT_EQ(Parsed("[section ...]"), "[section:string...]");
  EXPECT_EQ(Parsed("[section [section ...]]"), "[section:string...]");
  EXPECT_EQ(Parsed("[field value ...]"), "[{field:string value:string}...]");
  EXPECT_EQ(Parsed("[GET pattern [GET pattern ...]]"), "[GET pattern:pattern...T]");
  EXPECT_EQ(Parsed("[FIELDS n f v ...]"), "[FIELDS {n:integer {f:string v:string}...}]");
  EXPECT_EQ(Parsed("[IFVER version | SINCE version UNCHANGED n f ...]"),
            "[<IFVER version:integer|{SINCE version:integer UNCHANGED {n:integer f:string...}}>]");
}

// A row's mistake must show as odd docs, not as a crash of COMMAND DOCS.
TEST(DocsSyntaxTest, AnyTextMakesSomeTree) {
  const uint64_t seed = 20240607;
  std::mt19937_64 random(seed);
  const std::vector<std::string> parts = {"[", "]", "<",   ">",  "|",    "...", " ",
                                          "a", "B", "key", "EX", "n v ", "[[",  "] ]"};
  for (int round = 0; round < 2000; ++round) {
    std::string syntax;
    for (uint64_t i = random() % 20; i > 0; --i) syntax += parts[random() % parts.size()];
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + syntax);
    static_cast<void>(Parsed(syntax));
  }
  static_cast<void>(Parsed(std::string(100'000, '[')));
}

}  // namespace
}  // namespace cloakroom
