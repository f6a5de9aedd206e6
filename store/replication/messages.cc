#include "store/replication/messages.h"

#include <fmt/format.h>

#include "store/base/coding.h"
#include "store/base/crc32c.h"

namespace cloakroom {
namespace {

constexpr size_t kRecordHeadBytes = 24;
// What was read is moved away when it is this much, and more than what is left.
constexpr size_t kMoveBytes = size_t{256} << 10;

/// Writes the head of a message whose kind and payload stand behind `start` already.
void CloseMessage(std::string& out, size_t start) {
  const std::string_view rest = std::string_view(out).substr(start + 12);
  StoreInt(out.data() + start, static_cast<uint64_t>(rest.size()));
  StoreInt(out.data() + start + 8, Crc32c(rest));
}

/// Begins a message; returns where.
size_t OpenMessage(std::string& out, MessageKind kind) {
  const size_t start = out.size();
  out.append(12, '\0');
  out += static_cast<char>(kind);
  return start;
}

template <typename T>
void AppendInt(std::string& out, T value) {
  char bytes[sizeof(T)];
  StoreInt(bytes, value);
  out.append(bytes, sizeof bytes);
}

tl::unexpected<Error> Malformed(std::string_view what) {
  return Fail(Code::kDamaged, "a {} that is not of its form", what);
}

}  // namespace

void AppendMessage(std::string& out, MessageKind kind, std::string_view payload) {
  const size_t start = OpenMessage(out, kind);
  out.append(payload);
  CloseMessage(out, start);
}

void AppendHello(std::string& out, const Hello& hello) {
  const size_t start = OpenMessage(out, MessageKind::kHello);
  AppendVarint(out, hello.version);
  AppendSized(out, hello.node);
  AppendVarint(out, hello.port);
  AppendVarint(out, hello.last);
  AppendVarint(out, hello.empty ? 1 : 0);
  hello.lineage.AppendTo(out);
  CloseMessage(out, start);
}

// What a newer build adds stands behind what this one knows.
Result<Hello> DecodeHello(std::string_view payload) {
  ByteReader in(payload);
  Hello hello;
  const uint64_t version = in.Varint();
  hello.node = std::string(in.Sized());
  const uint64_t port = in.Varint();
  hello.last = in.Varint();
  hello.empty = in.Varint() != 0;
  if (!in.ok() || version > UINT32_MAX || port > UINT16_MAX) return Malformed("greeting");
  hello.version = static_cast<uint32_t>(version);
  hello.port = static_cast<uint16_t>(port);
  std::string_view rest = payload.substr(payload.size() - in.left());
  TRY(hello.lineage, Lineage::Decode(rest));
  return hello;
}

void AppendAck(std::string& out, const Ack& ack) {
  const size_t start = OpenMessage(out, MessageKind::kAck);
  AppendVarint(out, ack.applied);
  AppendVarint(out, ack.disk);
  CloseMessage(out, start);
}

Result<Ack> DecodeAck(std::string_view payload) {
  ByteReader in(payload);
  Ack ack;
  ack.applied = in.Varint();
  ack.disk = in.Varint();
  if (!in.ok()) return Malformed("acknowledgement");
  return ack;
}

void AppendWelcome(std::string& out, MessageKind kind, const Welcome& welcome) {
  const size_t start = OpenMessage(out, kind);
  AppendVarint(out, welcome.version);
  AppendSized(out, welcome.node);
  AppendVarint(out, welcome.last);
  AppendVarint(out, welcome.newest);
  welcome.lineage.AppendTo(out);
  CloseMessage(out, start);
}

Result<Welcome> DecodeWelcome(std::string_view payload) {
  ByteReader in(payload);
  Welcome welcome;
  const uint64_t version = in.Varint();
  welcome.node = std::string(in.Sized());
  welcome.last = in.Varint();
  welcome.newest = in.Varint();
  if (!in.ok() || version > UINT32_MAX) return Malformed("welcome");
  welcome.version = static_cast<uint32_t>(version);
  std::string_view rest = payload.substr(payload.size() - in.left());
  TRY(welcome.lineage, Lineage::Decode(rest));
  return welcome;
}

void AppendHeartbeat(std::string& out, const Heartbeat& heartbeat) {
  const size_t start = OpenMessage(out, MessageKind::kHeartbeat);
  AppendVarint(out, heartbeat.newest);
  AppendInt(out, heartbeat.now_ms);
  CloseMessage(out, start);
}

Result<Heartbeat> DecodeHeartbeat(std::string_view payload) {
  ByteReader in(payload);
  Heartbeat heartbeat;
  heartbeat.newest = in.Varint();
  heartbeat.now_ms = in.Int<TimeMs>();
  if (!in.ok()) return Malformed("heartbeat");
  return heartbeat;
}

void AppendPublish(std::string& out, const Publish& publish) {
  const size_t start = OpenMessage(out, MessageKind::kPublish);
  AppendVarint(out, publish.sharded ? 1 : 0);
  AppendSized(out, publish.channel);
  AppendSized(out, publish.message);
  CloseMessage(out, start);
}

Result<Publish> DecodePublish(std::string_view payload) {
  ByteReader in(payload);
  Publish publish;
  publish.sharded = in.Varint() != 0;
  publish.channel = in.Sized();
  publish.message = in.Sized();
  if (!in.ok()) return Malformed("published message");
  return publish;
}

void AppendRecord(std::string& out, const RecordHeader& header, std::string_view ops) {
  const size_t start = OpenMessage(out, MessageKind::kRecord);
  AppendInt(out, header.sequence);
  AppendInt(out, header.epoch);
  AppendInt(out, header.time_ms);
  out.append(ops);
  CloseMessage(out, start);
}

Result<Record> DecodeRecord(std::string_view payload) {
  if (payload.size() < kRecordHeadBytes) return Malformed("record");
  return Record{{.sequence = LoadInt<uint64_t>(payload.data()),
                 .epoch = LoadInt<uint64_t>(payload.data() + 8),
                 .time_ms = LoadInt<TimeMs>(payload.data() + 16)},
                payload.substr(kRecordHeadBytes)};
}

void MessageReader::Append(std::string_view bytes) {
  if (at_ == bytes_.size()) {
    bytes_.clear();
    at_ = 0;
  } else if (at_ >= kMoveBytes && at_ >= bytes_.size() - at_) {
    bytes_.erase(0, at_);
    at_ = 0;
  }
  bytes_.append(bytes);
}

Result<std::optional<Message>> MessageReader::Next() {
  const std::string_view left = std::string_view(bytes_).substr(at_);
  if (left.size() < kMessageHeadBytes) return std::nullopt;
  const auto size = LoadInt<uint64_t>(left.data());
  if (size == 0 || size > bytes_max_)
    return Fail(Code::kDamaged, "a message of {} bytes, at most {} are expected", size, bytes_max_);
  if (left.size() - 12 < size) return std::nullopt;
  const std::string_view body = left.substr(12, size);
  if (Crc32c(body) != LoadInt<uint32_t>(left.data() + 8))
    return Fail(Code::kDamaged, "a message does not match its checksum");
  at_ += 12 + size;
  return Message{static_cast<MessageKind>(body.front()), body.substr(1)};
}

}  // namespace cloakroom
