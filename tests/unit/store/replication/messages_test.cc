#include "store/replication/messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "store/base/coding.h"

namespace cloakroom {
namespace {

constexpr uint64_t kMax = 1 << 20;

HistoryId History() {
  HistoryId id{};
  id.fill('h');
  return id;
}

std::string OneOfEach() {
  std::string out;
  AppendHello(out, {.version = 1,
                    .node = std::string(40, 'n'),
                    .port = 7001,
                    .lineage = Lineage::Of(History(), 3),
                    .last = 12,
                    .empty = false});
  AppendAck(out, {.applied = 300, .disk = 200});
  AppendWelcome(out, MessageKind::kContinue,
                {.version = 1,
                 .node = std::string(40, 'p'),
                 .lineage = Lineage::Of(History(), 3),
                 .last = 12,
                 .newest = 15});
  AppendMessage(out, MessageKind::kImage, std::string(1000, 'i'));
  AppendRecord(out, {.sequence = 13, .epoch = 3, .time_ms = 1'700'000'000'000}, "ops");
  AppendHeartbeat(out, {.newest = 13, .now_ms = 1'700'000'000'123});
  AppendPublish(out, {.channel = "news", .message = "hello", .sharded = true});
  return out;
}

// However the bytes come, the messages are the same.
TEST(MessagesTest, AreFoundWhereverTheBytesAreCut) {
  const std::string bytes = OneOfEach();
  for (const size_t piece : {size_t{1}, size_t{2}, size_t{7}, size_t{64}, bytes.size()}) {
    MessageReader reader(kMax);
    std::vector<MessageKind> kinds;
    for (size_t at = 0; at < bytes.size(); at += piece) {
      reader.Append(std::string_view(bytes).substr(at, piece));
      while (true) {
        const auto message = reader.Next();
        ASSERT_TRUE(message.has_value());
        if (!*message) break;
        kinds.push_back((*message)->kind);
      }
    }
    EXPECT_THAT(kinds,
                testing::ElementsAre(MessageKind::kHello, MessageKind::kAck, MessageKind::kContinue,
                                     MessageKind::kImage, MessageKind::kRecord,
                                     MessageKind::kHeartbeat, MessageKind::kPublish));
    EXPECT_EQ(reader.buffered_bytes(), 0U);
  }
}

TEST(MessagesTest, SayWhatWasSaid) {
  MessageReader reader(kMax);
  reader.Append(OneOfEach());
  const auto next = [&reader] { return (**reader.Next()).payload; };
  const Hello hello = *DecodeHello(next());
  EXPECT_EQ(hello.node, std::string(40, 'n'));
  EXPECT_EQ(hello.port, 7001);
  EXPECT_EQ(hello.last, 12U);
  EXPECT_FALSE(hello.empty);
  EXPECT_EQ(hello.lineage, Lineage::Of(History(), 3));
  const Ack ack = *DecodeAck(next());
  EXPECT_EQ(ack.applied, 300U);
  EXPECT_EQ(ack.disk, 200U);
  const Welcome welcome = *DecodeWelcome(next());
  EXPECT_EQ(welcome.last, 12U);
  EXPECT_EQ(welcome.newest, 15U);
  EXPECT_EQ(next(), std::string(1000, 'i'));
  const Record record = *DecodeRecord(next());
  EXPECT_EQ(record.header.sequence, 13U);
  EXPECT_EQ(record.header.epoch, 3U);
  EXPECT_EQ(record.header.time_ms, 1'700'000'000'000);
  EXPECT_EQ(record.ops, "ops");
  EXPECT_EQ(DecodeHeartbeat(next())->now_ms, 1'700'000'000'123);
  const Publish publish = *DecodePublish(next());
  EXPECT_EQ(publish.channel, "news");
  EXPECT_EQ(publish.message, "hello");
  EXPECT_TRUE(publish.sharded);
}

// A bit that flips anywhere is noticed, or makes the message wait for bytes that never come.
TEST(MessagesTest, AFlippedBitIsNoMessage) {
  std::string whole;
  AppendRecord(whole, {.sequence = 13, .epoch = 3, .time_ms = 17}, "some ops");
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    MessageReader reader(kMax);
    reader.Append(bytes);
    const auto message = reader.Next();
    EXPECT_TRUE(!message.has_value() || !*message) << bit;
  }
}

TEST(MessagesTest, ASizeIsNotBelieved) {
  std::string bytes(kMessageHeadBytes, '\0');
  StoreInt(bytes.data(), uint64_t{1} << 60);
  MessageReader reader(kMax);
  reader.Append(bytes);
  EXPECT_FALSE(reader.Next().has_value());
  StoreInt(bytes.data(), uint64_t{0});
  MessageReader empty(kMax);
  empty.Append(bytes);
  EXPECT_FALSE(empty.Next().has_value());
}

TEST(MessagesTest, APayloadThatIsCutIsNoneOfItsKind) {
  MessageReader reader(kMax);
  reader.Append(OneOfEach());
  const std::string hello((**reader.Next()).payload);
  const std::string ack((**reader.Next()).payload);
  const std::string welcome((**reader.Next()).payload);
  for (size_t cut = 0; cut < hello.size(); ++cut)
    EXPECT_FALSE(DecodeHello(std::string_view(hello).substr(0, cut)).has_value()) << cut;
  for (size_t cut = 0; cut < ack.size(); ++cut)
    EXPECT_FALSE(DecodeAck(std::string_view(ack).substr(0, cut)).has_value()) << cut;
  for (size_t cut = 0; cut < welcome.size(); ++cut)
    EXPECT_FALSE(DecodeWelcome(std::string_view(welcome).substr(0, cut)).has_value()) << cut;
  EXPECT_FALSE(DecodeRecord("too short").has_value());
  EXPECT_FALSE(DecodePublish("").has_value());
}

}  // namespace
}  // namespace cloakroom
