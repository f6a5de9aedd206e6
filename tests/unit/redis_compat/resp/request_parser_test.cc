#include "redis_compat/resp/request_parser.h"
#include "tests/support/seeds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace cloakroom {
namespace {

using Request = std::vector<std::string>;

/// What came of a stream of bytes: the requests, and the error it ended in, if it did.
struct Parsed {
  std::vector<Request> requests;
  std::string error;
  friend bool operator==(const Parsed&, const Parsed&) = default;
};

void PrintTo(const Parsed& parsed, std::ostream* os) {
  *os << testing::PrintToString(parsed.requests) << " error '" << parsed.error << "'";
}

/// Feeds a parser piece by piece. The unconsumed bytes move to another place before every call, so
/// that a pointer kept across calls would be caught (by ASan, or by wrong words).
class Feeder {
 public:
  explicit Feeder(RequestLimits limits = {}) : limits_(limits) {}

  void Feed(std::string_view piece) {
    if (!parsed.error.empty()) return;
    input_.append(piece);
    while (true) {
      const std::string moved(input_);
      RequestWords words;
      const RequestParser::Step step = parser_.Next(moved, limits_, words);
      if (step.status == RequestParser::Status::kRequest) {
        EXPECT_FALSE(words.views.empty());
        parsed.requests.emplace_back(words.views.begin(), words.views.end());
      } else {
        EXPECT_TRUE(words.views.empty());
      }
      input_.erase(0, step.consumed);
      if (step.status == RequestParser::Status::kError) parsed.error = parser_.error();
      if (step.status != RequestParser::Status::kRequest) return;
    }
  }

  [[nodiscard]] const RequestParser& parser() const { return parser_; }
  Parsed parsed;

 private:
  RequestLimits limits_;
  RequestParser parser_;
  std::string input_;
};

Parsed ParseWhole(std::string_view bytes, RequestLimits limits = {}) {
  Feeder feeder(limits);
  feeder.Feed(bytes);
  return feeder.parsed;
}

Parsed ParseInTwo(std::string_view bytes, size_t cut) {
  Feeder feeder;
  feeder.Feed(bytes.substr(0, cut));
  feeder.Feed(bytes.substr(cut));
  return feeder.parsed;
}

Parsed ParseByteByByte(std::string_view bytes, RequestLimits limits = {}) {
  Feeder feeder(limits);
  for (const char& byte : bytes) feeder.Feed({&byte, 1});
  return feeder.parsed;
}

std::string Repeat(char c, size_t n) { return std::string(n, c); }

const std::vector<std::string>& Streams() {
  static const std::vector<std::string> streams = {
      "*1\r\n$4\r\nPING\r\n",
      "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$12\r\nhello\r\nworld\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n",
      "PING\r\nPING\n\r\n\n  \r\nSET \"a b\" 'c\\'d' e\r\n*1\r\n$4\r\nQUIT\r\n",
      "*0\r\n*-1\r\n*-12\r\n*1\r\n$0\r\n\r\n\"\" x\r\n",
      "*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n",
      "*2\r\n$11\r\nabcdefghijk\r\n$10\r\n0123456789\r\n",
      "*12\r\n$1\r\n0\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n$1\r\n5\r\n$1\r\n6\r\n"
      "$1\r\n7\r\n$1\r\n8\r\n$1\r\n9\r\n$1\r\na\r\n$1\r\nb\r\nPING\r\n",
      "PING\r\n*1\r\nfoo\r\nPING\r\n",
      "*1\r\n$3\r\nfoo\r\n*x\r\n",
      "PING \"a\r\n",
  };
  return streams;
}

TEST(RequestParserTest, AnArrayGivesItsWords) {
  const Parsed parsed = ParseWhole(Streams()[1]);
  EXPECT_EQ(parsed.requests, (std::vector<Request>{{"SET", "k", "hello\r\nworld"}, {"GET", "k"}}));
  EXPECT_EQ(parsed.error, "");
}

TEST(RequestParserTest, RequestsWithoutWordsAreSkipped) {
  const Parsed parsed = ParseWhole(Streams()[3]);
  EXPECT_EQ(parsed.requests, (std::vector<Request>{{""}, {"", "x"}}));
}

// The heart of it: where the network tears the bytes must make no difference at all.
TEST(RequestParserTest, TornAnywhereTheResultIsTheSame) {
  for (const std::string& stream : Streams()) {
    const Parsed whole = ParseWhole(stream);
    EXPECT_EQ(ParseByteByByte(stream), whole) << stream;
    for (size_t cut = 0; cut <= stream.size(); ++cut)
      EXPECT_EQ(ParseInTwo(stream, cut), whole) << stream << " cut at " << cut;
  }
}

// The same for long streams of everything, torn at random places.
TEST(RequestParserTest, RandomStreamsTornAtRandomAreTheSame) {
  const uint64_t seed = 20240607;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (uint64_t round = 0; round < SeedCount(300); ++round) {
    std::string stream;
    for (int i = 0; i < 20; ++i) stream += Streams()[random() % 7];
    if (round % 3 == 0)  // an outsider's byte somewhere
      stream[random() % stream.size()] = "\r\n*$\0 \"'9-"[random() % 10];
    const Parsed whole = ParseWhole(stream);
    Feeder feeder;
    for (size_t at = 0; at < stream.size();) {
      const size_t size = 1 + random() % 40;
      feeder.Feed(std::string_view(stream).substr(at, size));
      at += size;
    }
    ASSERT_EQ(feeder.parsed, whole) << "round " << round;
  }
}

struct ErrorCase {
  std::string bytes;
  std::string error;
};

// The texts are the wire's: clients and their tests match on them.
TEST(RequestParserTest, MalformedRequestsAreNamed) {
  const std::string long_digits = Repeat('1', kLineBytesMax + 1);
  const std::vector<ErrorCase> cases = {
      {"*x\r\n", "invalid multibulk length"},
      {"*\r\n", "invalid multibulk length"},
      {"*01\r\n", "invalid multibulk length"},
      {"*+1\r\n", "invalid multibulk length"},
      {"*-0\r\n", "invalid multibulk length"},
      {"* 1\r\n", "invalid multibulk length"},
      {"*2147483648\r\n", "invalid multibulk length"},
      {"*9223372036854775808\r\n", "invalid multibulk length"},
      {"*18446744073709551617\r\n", "invalid multibulk length"},
      {"*1\n$4\nPING\n\r\n", "invalid multibulk length"},
      {"*1\r\nfoo\r\n", "expected '$', got 'f'"},
      {"*1\r\n\r\n", "expected '$', got ' '"},
      {"*2\r\n$1\r\na\r\n*1\r\n", "expected '$', got '*'"},
      {"*1\r\n\xff\r\n", "expected '$', got '\xff'"},
      {"*1\r\n$-1\r\n", "invalid bulk length"},
      {"*1\r\n$x\r\n", "invalid bulk length"},
      {"*1\r\n$4 \r\n", "invalid bulk length"},
      {"*1\r\n$04\r\n", "invalid bulk length"},
      {"*1\r\n$536870913\r\n", "invalid bulk length"},
      {"*1\r\n$99999999999\r\n", "invalid bulk length"},
      {"PING \"a\r\n", "unbalanced quotes in request"},
      {"PING 'a'b\r\n", "unbalanced quotes in request"},
      {Repeat('a', kLineBytesMax + 1), "too big inline request"},
      {"*" + long_digits, "too big mbulk count string"},
      {"*1\r\n$" + long_digits, "too big bulk count string"},
      {"PING" + std::string(1, '\0') + "\r\n" + Repeat('a', kLineBytesMax),
       "too big inline request"},
      {"*1" + std::string(1, '\0') + "\r\n" + Repeat('a', kLineBytesMax),
       "too big mbulk count string"},
  };
  for (const ErrorCase& c : cases) {
    const Parsed parsed = ParseWhole(c.bytes);
    EXPECT_EQ(parsed.error, "Protocol error: " + c.error) << c.bytes.substr(0, 40);
    EXPECT_TRUE(parsed.requests.empty()) << c.bytes.substr(0, 40);
    if (c.bytes.size() < 100) {
      EXPECT_EQ(ParseByteByByte(c.bytes), parsed) << c.bytes;
    }
  }
}

TEST(RequestParserTest, UnfinishedRequestsWithinTheLimitsWait) {
  for (const std::string& bytes :
       {std::string("*2147483647\r\n"), std::string("*1\r\n$536870912\r\n"),
        Repeat('a', kLineBytesMax), "*" + Repeat('1', kLineBytesMax - 1), std::string("*1\r\n$4\r"),
        std::string("*1\0\r\n", 5), std::string("*1\r\n\0", 5), std::string("PING\0\r\n", 7)}) {
    const Parsed parsed = ParseWhole(bytes);
    EXPECT_EQ(parsed.error, "") << bytes.substr(0, 40);
    EXPECT_TRUE(parsed.requests.empty()) << bytes.substr(0, 40);
  }
}

// A line of exactly the limit is served, one byte more is not, however it arrives.
TEST(RequestParserTest, TheLineLimitIsExact) {
  const std::string fits = "ECHO " + Repeat('a', kLineBytesMax - 6) + "\r\n";
  EXPECT_EQ(ParseWhole(fits).requests.size(), 1U);
  const std::string exceeds = "ECHO " + Repeat('a', kLineBytesMax - 4) + "\r\n";
  EXPECT_EQ(ParseWhole(exceeds).error, "Protocol error: too big inline request");
  EXPECT_EQ(ParseInTwo(exceeds, 60000).error, "Protocol error: too big inline request");
}

TEST(RequestParserTest, TheWordLimitIsTheOptions) {
  const RequestLimits limits{.word_bytes_max = 5};
  EXPECT_EQ(ParseWhole("*1\r\n$5\r\nabcde\r\n", limits).requests.size(), 1U);
  EXPECT_EQ(ParseWhole("*1\r\n$6\r\nabcdef\r\n", limits).error,
            "Protocol error: invalid bulk length");
}

// Before AUTH a client may not make us hold much.
TEST(RequestParserTest, AnUnauthenticatedClientIsHeldShort) {
  const RequestLimits limits{.unauthenticated = true};
  EXPECT_EQ(ParseWhole("*11\r\n", limits).error,
            "Protocol error: unauthenticated multibulk length");
  EXPECT_EQ(ParseWhole("*1\r\n$16385\r\n", limits).error,
            "Protocol error: unauthenticated bulk length");
  const std::string most = "*1\r\n$16384\r\n" + Repeat('a', 16384) + "\r\n";
  EXPECT_EQ(ParseWhole(most, limits).requests.size(), 1U);
  EXPECT_EQ(ParseByteByByte("*2\r\n$4\r\nAUTH\r\n$1\r\nx\r\n", limits).requests.size(), 1U);
}

// The connection sizes its buffer by this, so that a large value arrives without being moved often.
TEST(RequestParserTest, SaysHowManyBytesALargeWordNeeds) {
  Feeder feeder;
  feeder.Feed("*2\r\n$3\r\nGET\r\n$100000\r\nabc");
  EXPECT_EQ(feeder.parser().BytesNeeded(), std::strlen("*2\r\n$3\r\nGET\r\n$100000\r\n") + 100002);
  EXPECT_EQ(RequestParser().BytesNeeded(), 0U);
}

// After Reset the request is read again from its front: a paused client's commands wait this way.
TEST(RequestParserTest, ResetStartsTheRequestAnew) {
  RequestParser parser;
  RequestWords words;
  const std::string bytes = "*1\r\n$4\r\nPING\r\n";
  EXPECT_EQ(parser.Next(bytes.substr(0, 7), {}, words).status, RequestParser::Status::kNeedMore);
  parser.Reset();
  EXPECT_EQ(parser.Next(bytes, {}, words).status, RequestParser::Status::kRequest);
  EXPECT_THAT(words.views, testing::ElementsAre("PING"));
}

}  // namespace
}  // namespace cloakroom
