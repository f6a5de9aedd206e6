#include "bench/load/workload.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "bench/load/reply_scanner.h"
#include "bench/load/session_fields.h"

namespace cloakroom::bench {
namespace {

using Request = std::vector<std::string>;

/// The requests in `bytes`. A request has the form of a reply, so the scanner reads it.
std::vector<Request> Requests(std::string_view bytes) {
  std::vector<Request> requests;
  ReplyScanner scanner;
  while (!bytes.empty()) {
    if (scanner.Next(bytes) != ReplyScanner::Found::kReply) {
      ADD_FAILURE() << "no whole requests: " << bytes;
      break;
    }
    Request& request = requests.emplace_back();
    ReplyWords words(scanner.reply());
    for (std::string_view word; words.Next(word);) request.emplace_back(word);
    bytes.remove_prefix(scanner.reply().size());
  }
  return requests;
}

class WorkloadTest : public testing::Test {
 protected:
  WorkloadPair Make(std::string_view name) {
    context_.tokens = TokenTable(context_.options.keys);
    for (uint64_t i = 0; i < context_.options.keys; ++i)
      context_.tokens.Set(i, fmt::format("token-{}", i));
    return *MakeWorkload(name, context_);
  }

  /// One flow, with each step's requests; `replies` answers a step that needs more than +OK.
  std::vector<std::vector<Request>> Flow(Workload& workload,
                                         const std::map<std::string, std::string>& replies = {}) {
    std::vector<std::vector<Request>> steps;
    Lane lane;
    for (bool last = false; !last;) {
      std::string out;
      const Step step = workload.Append(lane, out);
      ++lane.step;
      steps.push_back(Requests(out));
      EXPECT_EQ(step.commands, steps.back().size());
      EXPECT_EQ(step.replies, step.commands) << "each command gets one reply";
      for (uint32_t i = 0; i < step.replies; ++i) {
        const auto found = replies.find(steps.back()[i][0]);
        const std::string reply = found == replies.end() ? "+OK\r\n" : found->second;
        EXPECT_NE(workload.Judge(lane, i, reply), Verdict::kAbandon) << steps.back()[i][0];
      }
      last = step.last;
      if (steps.size() > 20) ADD_FAILURE() << "the flow does not end";
      if (steps.size() > 20) break;
    }
    return steps;
  }

  static std::string Verbs(const std::vector<std::vector<Request>>& steps) {
    std::string verbs;
    for (const auto& step : steps) {
      for (const Request& request : step) verbs += request[0] + " ";
      verbs += "| ";
    }
    return verbs;
  }

  WorkloadContext context_{{.keys = 100}, {}, TokenTable(0)};
};

TEST_F(WorkloadTest, StringsAreWhatRedisBenchmarkSends) {
  context_.options.value_bytes = 176;
  context_.options.expire_seconds = 86400;
  const auto set = Flow(*Make("set").load)[0][0];
  ASSERT_EQ(set.size(), 5u);
  EXPECT_EQ(set[0], "SET");
  EXPECT_EQ(set[1].size(), 37u);
  EXPECT_TRUE(set[1].starts_with("sess:"));
  EXPECT_EQ(set[2].size(), 176u);
  EXPECT_EQ(set[3] + set[4], "EX86400");
  EXPECT_EQ(Flow(*Make("get").load)[0][0][0], "GET");
  context_.options.expire_seconds = 0;
  context_.options.expire_at_ms = 1234567;
  EXPECT_EQ(Flow(*Make("set").load)[0][0][4], "1234567");
}

// A GET of a key that the preload did not write would measure misses.
TEST_F(WorkloadTest, ThePreloadWritesEveryKeyThatGetReads) {
  const WorkloadPair pair = Make("get");
  std::set<std::string> written;
  for (uint64_t i = 0; i < pair.preload->PreloadFlows(); ++i)
    EXPECT_TRUE(written.insert(Flow(*pair.preload)[0][0][1]).second) << "twice";
  EXPECT_EQ(written.size(), context_.options.keys);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(written.contains(Flow(*pair.load)[0][0][1]));
}

TEST_F(WorkloadTest, OtherFirstKeysAreOtherKeys) {
  std::set<std::string> names;
  for (const uint64_t first : {0, 100}) {
    context_.options.first_key = first;
    const WorkloadPair pair = Make("set");
    for (int i = 0; i < 100; ++i) names.insert(Flow(*pair.preload)[0][0][1]);
  }
  EXPECT_EQ(names.size(), 200u);
}

// A server that holds strings can be given sessions too: a key of both kinds would be an error.
TEST_F(WorkloadTest, StringsAndPlainSessionsShareNoKey) {
  const auto strings = Make("set");
  const auto sessions = Make("plain-create");
  const auto logins = Make("plain-login-flow");
  std::set<std::string> names;
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(names.insert(Flow(*strings.preload)[0][0][1]).second);
    EXPECT_TRUE(names.insert(Flow(*sessions.preload)[0][1][1]).second);
    const auto login = Flow(*logins.load, {{"SMEMBERS", "*1\r\n$1\r\nx\r\n"}})[0][1][1];
    EXPECT_TRUE(names.insert(login).second);
    EXPECT_EQ(login.size(), 37u);
  }
}

TEST_F(WorkloadTest, SizesOfValuesCoverTheirRange) {
  context_.options.value_bytes = 3;
  context_.options.value_bytes_max = 6;
  const WorkloadPair pair = Make("set");
  std::set<size_t> sizes;
  for (int i = 0; i < 200; ++i) sizes.insert(Flow(*pair.load)[0][0][2].size());
  EXPECT_EQ(sizes, (std::set<size_t>{3, 4, 5, 6}));
}

// Both sides must store the same: 149 bytes of key, field names and values for a small session.
TEST_F(WorkloadTest, BothKindsOfSessionHoldTheSameFields) {
  const auto session = Flow(*Make("session-create").load)[0][0];
  const auto plain = Flow(*Make("plain-create").load)[0];
  ASSERT_EQ(session[0], "SESSION.CREATE");
  ASSERT_EQ(plain[1][0], "HSET");
  const std::vector<std::string> ours(session.begin() + 7, session.end());
  const std::vector<std::string> theirs(plain[1].begin() + 2, plain[1].end());
  ASSERT_EQ(ours.size(), 12u);
  ASSERT_EQ(theirs.size(), 12u);
  size_t bytes = plain[1][1].size();
  for (size_t i = 0; i < 12; ++i) {
    EXPECT_EQ(ours[i].size(), theirs[i].size());
    if (i % 2 == 0) {
      EXPECT_EQ(ours[i], theirs[i]) << "a name";
    }
    bytes += theirs[i].size();
  }
  EXPECT_EQ(bytes, 149u);
  EXPECT_EQ(Verbs({plain}), "MULTI HSET EXPIRE SADD EXPIRE EXEC | ");
}

TEST_F(WorkloadTest, LargeSessionsHaveTheirAgent) {
  context_.options.field_count = 20;
  context_.options.field_bytes = 40;
  context_.options.user_agent_bytes = 200;
  const auto session = Flow(*Make("session-create").load)[0][0];
  const auto plain = Flow(*Make("plain-create").load)[0][1];
  EXPECT_EQ(session[7], "agent");
  EXPECT_EQ(session[8].size(), 200u);
  EXPECT_EQ(session.size(), 11u + 40u);
  EXPECT_EQ(plain.size(), 2u + 42u);
  EXPECT_EQ(plain.back().size(), 200u);
}

TEST_F(WorkloadTest, TheLoginFlowIsTheSameOnBothSides) {
  const auto ours =
      Flow(*Make("login-flow").load,
           {{"SESSION.CREATE", "*4\r\n$5\r\ntoken\r\n$3\r\nabc\r\n$7\r\nversion\r\n:1\r\n"}});
  EXPECT_EQ(
      Verbs(ours),
      "SESSION.CREATE | SESSION.GET | SESSION.GET | SESSION.GET | SESSION.GET | SESSION.GET | "
      "SESSION.SET | SESSION.SET | SESSION.LIST | SESSION.DESTROY | ");
  EXPECT_EQ(ours[1][0][1], "abc") << "the token that was minted";
  EXPECT_EQ(ours[9][0][1], "abc");
  EXPECT_EQ(ours[8][0][2], ours[0][0][2]) << "the user who logged in";

  const auto plain =
      Flow(*Make("plain-login-flow").load, {{"SMEMBERS", "*2\r\n$1\r\nx\r\n$1\r\ny\r\n"}});
  const std::string read = "MULTI HGETALL EXPIRE EXEC | ";
  const std::string update = "MULTI HSET EXPIRE EXEC | ";
  EXPECT_EQ(Verbs(plain), "MULTI HSET EXPIRE SADD EXPIRE EXEC | " + read + read + read + read +
                              read + update + update +
                              "SMEMBERS | HGETALL HGETALL | MULTI DEL SREM EXEC | ");
  EXPECT_EQ(plain[9][1][1], "sess:y");
  EXPECT_EQ(plain[1][1][1], plain[0][1][1]) << "the session that was made";
  EXPECT_EQ(plain[10][1][1], plain[0][1][1]);
}

// What was not there must be seen, or a bench of an empty server looks like a fast one.
TEST_F(WorkloadTest, ASessionThatIsGoneIsAMiss) {
  Lane lane;
  lane.step = 1;
  std::string out;
  const auto get = Make("session-get");
  (void)get.load->Append(lane, out);
  EXPECT_EQ(get.load->Judge(lane, 0, "$-1\r\n"), Verdict::kMiss);
  EXPECT_EQ(get.load->Judge(lane, 0, "*2\r\n+a\r\n+b\r\n"), Verdict::kFine);
  const auto plain = Make("plain-get");
  (void)plain.load->Append(lane, out);
  EXPECT_EQ(plain.load->Judge(lane, 3, "*2\r\n*0\r\n:0\r\n"), Verdict::kMiss);
  EXPECT_EQ(plain.load->Judge(lane, 3, "*2\r\n*2\r\n+a\r\n+b\r\n:1\r\n"), Verdict::kFine);
  EXPECT_EQ(Make("get").load->Judge(lane, 0, "_\r\n"), Verdict::kMiss);
}

TEST_F(WorkloadTest, MixesSendEachOfTheirCommands) {
  std::map<std::string, int> seen;
  const auto ours = Make("session-mix");
  const auto plain = Make("plain-mix");
  for (int i = 0; i < 2000; ++i) {
    ++seen[Flow(*ours.load)[0][0][0]];
    ++seen[Verbs(Flow(*plain.load, {{"SMEMBERS", "*1\r\n$1\r\nx\r\n"}}))];
  }
  EXPECT_NEAR(seen["SESSION.GET"], 1600, 100);
  EXPECT_NEAR(seen["SESSION.SET"], 300, 70);
  EXPECT_NEAR(seen["SESSION.TOUCH"], 80, 40);
  EXPECT_NEAR(seen["SESSION.LIST"], 20, 18);
  EXPECT_NEAR(seen["MULTI HGETALL EXPIRE EXEC | "], 1600, 100);
  EXPECT_NEAR(seen["MULTI HSET EXPIRE EXEC | "], 300, 70);
  EXPECT_NEAR(seen["EXPIRE | "], 80, 40);
  EXPECT_NEAR(seen["SMEMBERS | HGETALL | "], 20, 18);
}

TEST_F(WorkloadTest, TokensSurviveTheFile) {
  const std::string path = testing::TempDir() + "tokens";
  (void)Make("session-get");
  ASSERT_TRUE(context_.tokens.Save(path));
  TokenTable loaded(100);
  ASSERT_TRUE(loaded.Load(path));
  EXPECT_EQ(loaded.Get(42), "token-42");
  EXPECT_EQ(TokenTable(99).Load(path).error().code, Code::kInvalid) << "another number of sessions";
  EXPECT_EQ(TokenTable(1).Load(path + "-none").error().code, Code::kUnavailable);
}

TEST_F(WorkloadTest, EveryNameMakesAWorkload) {
  for (const std::string& name : WorkloadNames()) EXPECT_NE(Make(name).load, nullptr) << name;
  EXPECT_FALSE(MakeWorkload("nonsense", context_));
}

}  // namespace
}  // namespace cloakroom::bench
