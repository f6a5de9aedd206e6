#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "store/base/result.h"
#include "store/image/image_scan.h"
#include "store/op/op_log.h"
#include "store/replication/lineage.h"
#include "store/replication/messages.h"
#include "store/wal/wal_tail.h"

namespace cloakroom {

/// What feeds hand on: the state of a primary, as they see it.
class FeedSource {
 public:
  virtual ~FeedSource() = default;

  [[nodiscard]] virtual const Lineage& lineage() const = 0;
  /// The newest records, in memory.
  [[nodiscard]] virtual const OpLog& log() const = 0;
  [[nodiscard]] virtual TimeMs now() const = 0;
  /// Begins an image of this moment, in which log().last() is the newest record. nullptr: another
  /// one is being taken; to be asked again.
  [[nodiscard]] virtual std::unique_ptr<ImageScan> BeginImage() = 0;
  /// The log on disk from record `next` on. nullptr: there is none, or it begins later.
  [[nodiscard]] virtual std::unique_ptr<WalTail> OpenTail(uint64_t next) = 0;
  /// Up to which record that has been written.
  [[nodiscard]] virtual uint64_t Written() const = 0;
  /// A feed has come by bytes without being asked: Fill is to be called.
  virtual void Wake() = 0;
};

/// The primary's side of one replica: bytes come in, bytes go out. It opens no socket and sends
/// nothing by itself; who owns it asks for bytes when the last ones have left, so that a slow
/// replica costs no memory but that of an image's pre-images.
///
///     kGreeting --Hello--> kRecords                      both have the same records up to there
///                     \--> kWaiting -> kImage -> kRecords  an image first
class PrimaryFeed {
 public:
  enum class State : uint8_t { kGreeting, kWaiting, kImage, kRecords };

  /// `node`: this primary's id.
  PrimaryFeed(FeedSource& source, std::string node);

  /// Takes what the replica sent.
  ///   errors  kDamaged      it is not the protocol: end the connection
  ///           kUnavailable  its version is not spoken here
  [[nodiscard]] Result<void> Receive(std::string_view bytes);

  /// Appends to `out` what comes next, until that has about `bytes_max`. Bounded by that, and by
  /// some 100 us of an image.
  ///   errors  kOutOfRange  the records that come next are nowhere any more: end the connection,
  ///                        the replica comes back for a full sync
  ///           kIo, kDamaged  the log on disk could not be read
  [[nodiscard]] Result<void> Fill(std::string& out, size_t bytes_max);
  /// Whether Fill would have something at once.
  [[nodiscard]] bool HasMore() const;
  /// Appends where the primary is, for a replica that hears nothing else.
  void AppendHeartbeat(std::string& out) const;
  /// Appends what was published. Before the records have begun, nothing.
  void AppendPublished(std::string& out, const Publish& publish) const;

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool full_sync() const { return full_sync_; }
  /// Of the greeting.
  [[nodiscard]] const Hello& hello() const { return hello_; }
  [[nodiscard]] const Ack& ack() const { return ack_; }
  /// The newest record that was handed out.
  [[nodiscard]] uint64_t sent() const { return next_ - 1; }
  /// Memory of an image that is on its way, with what changed before it got there.
  [[nodiscard]] size_t ImageBytes() const { return scan_ == nullptr ? 0 : scan_->memory_bytes(); }
  /// Gives the image up: the connection is to be ended.
  void GiveUpImage() { scan_.reset(); }

 private:
  [[nodiscard]] Result<void> Greet(std::string_view payload);
  void FillImage(std::string& out, size_t bytes_max);
  [[nodiscard]] Result<void> FillRecords(std::string& out, size_t bytes_max);
  [[nodiscard]] Result<void> ReadDisk();

  FeedSource& source_;
  std::string node_;
  MessageReader reader_;
  State state_ = State::kGreeting;
  Hello hello_;
  Ack ack_;
  bool full_sync_ = false;
  std::string greeting_;  // the welcome, until it is taken
  std::unique_ptr<ImageScan> scan_;
  uint64_t next_ = 1;  // the record that is handed out next

  std::unique_ptr<WalTail> tail_;
  bool reading_ = false;
  std::string read_;  // records from the disk, as messages
  std::optional<Error> read_error_;
};

}  // namespace cloakroom
