#include "store/image/rdb_session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "store/types/token.h"
#include "tests/support/rdb_file.h"
#include "tests/support/rdb_record.h"
#include "tests/unit/store/types/session_fixture.h"

namespace cloakroom {
namespace {

class RdbSessionTest : public SessionTest {
 protected:
  /// The words of the hash that is written of the session of `token`.
  std::vector<std::string> Written(std::string_view token) {
    RdbText text;
    RdbWriter writer(text, {.redis_version = "7.0.15"});
    const SessionView view = View(token);
    WriteSession(writer, view, space().NamespaceOf(view));
    EXPECT_TRUE(writer.Finish());
    const RdbReading reading = ReadRdb(text.bytes);
    EXPECT_EQ(reading.error, "");
    std::vector<std::string> words;
    std::string word;
    for (const char each : reading.record.lines.at(0) + " ") {
      if (each != ' ') {
        word.push_back(each);
      } else {
        words.push_back(word);
        word.clear();
      }
    }
    return words;
  }
  static std::string Column(const std::vector<std::string>& words, std::string_view name) {
    const auto at = std::find(words.begin(), words.end(), name);
    return at == words.end() ? "none" : at[1];
  }
};

// The digits are those that sha256sum prints: whoever has the token finds the session.
TEST_F(RdbSessionTest, StandsUnderTheHashOfItsToken) {
  EXPECT_EQ(RdbSessionKey(KeyOfToken("abc")), "session:ba7816bf8f01cfea414140de5dae2223");
}

TEST_F(RdbSessionTest, IsAHashOfFieldsAndColumns) {
  SessionRequest request = Request("ana");
  const Words meta = {"ip", "10.0.0.1"};
  const Words fields = {"theme", "dark", "gone", "1", "@ns", "mine"};
  request.meta = meta;
  request.fields = fields;
  const MintedSession made = Create(request);
  SetSessionRequest change;
  const Words gone = {"gone"};
  change.deleted = gone;
  EXPECT_EQ(Set(made.token, change), 2);

  const SessionView view = View(made.token);
  const std::vector<std::string> words = Written(made.token);
  EXPECT_EQ(words.at(1), RdbSessionKey(KeyOfToken(made.token)));
  EXPECT_EQ(words.at(2), "hash");
  EXPECT_EQ(Column(words, "@ns"), "shop");
  EXPECT_EQ(Column(words, "@user"), "ana");
  EXPECT_EQ(Column(words, "@handle"), HandleText(view.handle()));
  EXPECT_EQ(Column(words, "@version"), "2");
  EXPECT_EQ(Column(words, "@created"), std::to_string(view.created));
  EXPECT_EQ(Column(words, "@abs"), std::to_string(view.abs()));
  EXPECT_EQ(Column(words, "@slot"), std::to_string(KeyOfToken(made.token).slot()));
  EXPECT_EQ(Column(words, "@meta:ip"), "10.0.0.1");
  EXPECT_EQ(Column(words, "theme"), "dark");
  EXPECT_EQ(Column(words, "@field:@ns"), "mine") << "a field must not pass for a column";
  EXPECT_EQ(Column(words, "gone"), "none");
  EXPECT_EQ(words.back(), "@" + std::to_string(view.deadline()));
}

// Tokens never rest in the clear, in no file either.
TEST_F(RdbSessionTest, HoldsNoToken) {
  const MintedSession made = Create("ana");
  for (const std::string& word : Written(made.token))
    EXPECT_EQ(word.find(made.token), std::string::npos);
}

}  // namespace
}  // namespace cloakroom
