#include "redis_compat/command/reply.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>

namespace cloakroom {
namespace {

template <typename Write>
std::string Written(int protocol, Write&& write) {
  std::string out = "before";
  Reply reply(out, protocol);
  write(reply);
  reply.Flush();
  EXPECT_TRUE(out.starts_with("before"));
  return out.substr(6);
}

#define BOTH(call, resp2, resp3)                                                     \
  EXPECT_EQ(Written(2, [](Reply& reply) { static_cast<void>(reply.call); }), resp2); \
  EXPECT_EQ(Written(3, [](Reply& reply) { static_cast<void>(reply.call); }), resp3)

TEST(ReplyTest, EveryFormInBothProtocols) {
  BOTH(Ok(), "+OK\r\n", "+OK\r\n");
  BOTH(Simple("PONG"), "+PONG\r\n", "+PONG\r\n");
  BOTH(Integer(INT64_MIN), ":-9223372036854775808\r\n", ":-9223372036854775808\r\n");
  BOTH(Bulk(""), "$0\r\n\r\n", "$0\r\n\r\n");
  BOTH(BulkInteger(-12), "$3\r\n-12\r\n", "$3\r\n-12\r\n");
  BOTH(Null(), "$-1\r\n", "_\r\n");
  BOTH(NullArray(), "*-1\r\n", "_\r\n");
  BOTH(Array(3), "*3\r\n", "*3\r\n");
  BOTH(Map(2), "*4\r\n", "%2\r\n");
  BOTH(Set(2), "*2\r\n", "~2\r\n");
  BOTH(Push(2), "*2\r\n", ">2\r\n");
  BOTH(Double(1.5), "$3\r\n1.5\r\n", ",1.5\r\n");
  BOTH(Double(-INFINITY), "$4\r\n-inf\r\n", ",-inf\r\n");
  BOTH(Boolean(true), ":1\r\n", "#t\r\n");
  BOTH(Verbatim("hi"), "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n");
}

// A pair is put together at once when both are short; whatever their sizes, it is two bulk strings.
TEST(ReplyTest, APairIsTwoBulkStrings) {
  for (const size_t name : {0, 9, 10, 99, 100, 1000})
    for (const size_t value : {0, 9, 10, 99, 100, 1000})
      EXPECT_EQ(
          Written(2,
                  [&](Reply& reply) {
                    static_cast<void>(reply.Pair(std::string(name, 'n'), std::string(value, 'v')));
                  }),
          Written(2, [&](Reply& reply) {
            static_cast<void>(reply.Bulk(std::string(name, 'n')));
            static_cast<void>(reply.Bulk(std::string(value, 'v')));
          }));
}

// An inner array settles before the outer one; each header lands where it was asked for.
TEST(ReplyTest, DeferredCountsNest) {
  EXPECT_EQ(Written(2,
                    [](Reply& reply) {
                      const size_t outer = reply.DeferArray();
                      static_cast<void>(reply.Integer(1));
                      const size_t inner = reply.DeferArray();
                      static_cast<void>(reply.Integer(2));
                      reply.SettleArray(inner, 1);
                      reply.SettleArray(outer, 2);
                    }),
            "*2\r\n:1\r\n*1\r\n:2\r\n");
}

}  // namespace
}  // namespace cloakroom
