#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "store/base/result.h"
#include "store/image/image_stream.h"
#include "store/op/op.h"
#include "store/replication/messages.h"
#include "store/table/keyspace.h"

namespace cloakroom {

/// What a session does its work on: the state of a replica.
class ReplicaTarget {
 public:
  virtual ~ReplicaTarget() = default;

  /// Who we are, and what we have.
  [[nodiscard]] virtual Hello Greeting() const = 0;
  /// The newest record that we have.
  [[nodiscard]] virtual RecordHeader newest() const = 0;

  /// The primary goes on where we stand, with its lineage.
  [[nodiscard]] virtual Result<void> Continue(const Welcome& welcome) = 0;
  /// All that we have is to go; what comes is put into the keyspace that is returned, empty now.
  [[nodiscard]] virtual Result<Keyspace*> BeginFullSync(const Welcome& welcome) = 0;
  /// The image is there.
  [[nodiscard]] virtual Result<void> EndFullSync(const Welcome& welcome, const ImageHeader& header,
                                                 uint64_t entries) = 0;
  /// The next record.
  virtual void Apply(const RecordHeader& header, std::string_view ops) = 0;
  virtual void Published(const Publish& publish) = 0;
};

/// The replica's side of a connection to its primary: bytes come in, bytes go out. It is one
/// connection long; the next one begins a new session.
class ReplicaSession {
 public:
  struct Options {
    std::string user;      // masteruser
    std::string password;  // masterauth; empty: none
  };
  enum class State : uint8_t {
    kAuth,     // waits for the answer to AUTH
    kCommand,  // and to REPLICATE
    kWelcome,  // waits to hear how it goes on
    kImage,
    kRecords,
  };

  /// `out` gets what is to be sent first.
  ReplicaSession(ReplicaTarget& target, const Options& options, std::string& out);

  void Receive(std::string_view bytes);
  /// Works on what was received, about `bytes`. True: there is more.
  ///   errors  kUnavailable  the primary refused, with its words
  ///           kDamaged      it is not the protocol, or not what comes next
  [[nodiscard]] Result<bool> Step(size_t bytes, std::string& out);
  /// Bytes that wait for Step.
  [[nodiscard]] size_t waiting_bytes() const { return lines_.size() + reader_.buffered_bytes(); }

  [[nodiscard]] State state() const { return state_; }
  /// The peer does not know REPLICATE: it may be a Redis.
  [[nodiscard]] bool is_redis() const { return is_redis_; }
  /// The primary's newest record, as it said last.
  [[nodiscard]] uint64_t primary_newest() const { return primary_newest_; }
  [[nodiscard]] const Welcome& welcome() const { return welcome_; }
  [[nodiscard]] uint64_t image_bytes() const { return image_ == nullptr ? 0 : image_->bytes(); }

 private:
  [[nodiscard]] Result<bool> ReadLine(std::string& out);
  [[nodiscard]] Result<void> Take(const Message& message);
  [[nodiscard]] Result<void> TakeWelcome(const Message& message);
  [[nodiscard]] Result<void> TakeImage(std::string_view bytes);
  [[nodiscard]] Result<void> TakeRecord(std::string_view payload);

  ReplicaTarget& target_;
  State state_;
  std::string lines_;  // received before the frames begin
  MessageReader reader_;
  Welcome welcome_;
  std::unique_ptr<ImageStream> image_;
  uint64_t primary_newest_ = 0;
  bool is_redis_ = false;
};

}  // namespace cloakroom
