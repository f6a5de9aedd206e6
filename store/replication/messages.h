#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/base/result.h"
#include "store/base/time.h"
#include "store/op/op.h"
#include "store/replication/lineage.h"

namespace cloakroom {

// What a primary and a replica say to each other; PROTOCOL.md has it in pictures.

inline constexpr uint32_t kProtocolVersion = 1;
inline constexpr uint32_t kProtocolOldest = 1;  // that this build works with

/// Numbers are part of the protocol: never reuse one.
enum class MessageKind : uint8_t {
  // From the replica.
  kHello = 1,
  kAck = 2,
  // From the primary.
  kContinue = 16,  // records follow what the replica has
  kFullSync = 17,  // an image follows, then records
  kImage = 18,     // bytes of it
  kRecord = 19,
  kHeartbeat = 20,
  kPublish = 21,
  kDenied = 22,
};

/// The replica's first word.
struct Hello {
  uint32_t version = kProtocolVersion;
  std::string node;   // 40 hex digits, drawn when the process starts
  uint16_t port = 0;  // where it serves itself
  Lineage lineage;
  uint64_t last = 0;   // its newest record; 0: none
  bool empty = false;  // it has no state at all: full sync
};

/// How far the replica has come.
struct Ack {
  uint64_t applied = 0;
  uint64_t disk = 0;  // synced there; 0: it keeps no log
};

/// The primary's answer to Hello: what comes next, and in which lineage.
struct Welcome {
  uint32_t version = kProtocolVersion;
  std::string node;
  Lineage lineage;
  uint64_t last = 0;    // with kContinue: the newest record that both have
  uint64_t newest = 0;  // the primary's newest record
};

struct Heartbeat {
  uint64_t newest = 0;
  TimeMs now_ms = 0;
};

struct Publish {
  std::string_view channel;
  std::string_view message;
  bool sharded = false;
};

/// One message as it lies on the wire: its kind, and a payload that is good until more is read.
struct Message {
  MessageKind kind{};
  std::string_view payload;
};

inline constexpr size_t kMessageHeadBytes = 13;  // size u64 | crc32c u32 | kind u8

void AppendMessage(std::string& out, MessageKind kind, std::string_view payload);
void AppendHello(std::string& out, const Hello& hello);
void AppendAck(std::string& out, const Ack& ack);
/// `kind`: kContinue or kFullSync.
void AppendWelcome(std::string& out, MessageKind kind, const Welcome& welcome);
void AppendHeartbeat(std::string& out, const Heartbeat& heartbeat);
void AppendPublish(std::string& out, const Publish& publish);
/// One copy of the ops and a checksum over them.
void AppendRecord(std::string& out, const RecordHeader& header, std::string_view ops);

// Errors of all: kDamaged, the payload is not of its form.
[[nodiscard]] Result<Hello> DecodeHello(std::string_view payload);
[[nodiscard]] Result<Ack> DecodeAck(std::string_view payload);
[[nodiscard]] Result<Welcome> DecodeWelcome(std::string_view payload);
[[nodiscard]] Result<Heartbeat> DecodeHeartbeat(std::string_view payload);
[[nodiscard]] Result<Publish> DecodePublish(std::string_view payload);
struct Record {
  RecordHeader header;
  std::string_view ops;
};
[[nodiscard]] Result<Record> DecodeRecord(std::string_view payload);

/// Finds messages in a stream of bytes. Memory grows as bytes arrive, never on the word of a size.
class MessageReader {
 public:
  /// A message larger than `bytes_max` is an error: of who has not said who he is, a few hundred
  /// kilobytes; of a primary, what a record can be.
  explicit MessageReader(uint64_t bytes_max) : bytes_max_(bytes_max) {}

  void Append(std::string_view bytes);
  /// The next message; nothing: more bytes are needed. Good until the next call.
  ///   errors  kDamaged  the checksum does not hold, or it is too large
  [[nodiscard]] Result<std::optional<Message>> Next();
  [[nodiscard]] size_t buffered_bytes() const { return bytes_.size() - at_; }

 private:
  uint64_t bytes_max_;
  std::string bytes_;
  size_t at_ = 0;
};

}  // namespace cloakroom
