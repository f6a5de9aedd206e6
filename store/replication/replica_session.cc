#include "store/replication/replica_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <utility>

namespace cloakroom {
namespace {

constexpr uint64_t kMessageBytesMax = uint64_t{1} << 40;  // a record may be that of a huge EXEC
constexpr size_t kLineBytesMax = 4096;

void AppendRequest(std::string& out, std::initializer_list<std::string_view> words) {
  fmt::format_to(std::back_inserter(out), "*{}\r\n", words.size());
  for (const std::string_view word : words)
    fmt::format_to(std::back_inserter(out), "${}\r\n{}\r\n", word.size(), word);
}

void AppendCommand(std::string& out) {
  AppendRequest(out, {"REPLICATE", std::to_string(kProtocolVersion)});
}

}  // namespace

ReplicaSession::ReplicaSession(ReplicaTarget& target, const Options& options, std::string& out)
    : target_(target),
      state_(options.password.empty() ? State::kCommand : State::kAuth),
      reader_(kMessageBytesMax) {
  if (state_ == State::kCommand)
    AppendCommand(out);
  else if (options.user.empty())
    AppendRequest(out, {"AUTH", options.password});
  else
    AppendRequest(out, {"AUTH", options.user, options.password});
}

void ReplicaSession::Receive(std::string_view bytes) {
  if (state_ == State::kAuth || state_ == State::kCommand)
    lines_ += bytes;
  else
    reader_.Append(bytes);
}

Result<bool> ReplicaSession::Step(size_t bytes, std::string& out) {
  while (state_ == State::kAuth || state_ == State::kCommand) {
    TRY(const bool read, ReadLine(out));
    if (!read) return false;
  }
  for (size_t done = 0; done < bytes;) {
    TRY(const std::optional<Message> message, reader_.Next());
    if (!message) return false;
    done += kMessageHeadBytes + message->payload.size();
    TRY_VOID(Take(*message));
  }
  return reader_.buffered_bytes() >= kMessageHeadBytes;
}

Result<bool> ReplicaSession::ReadLine(std::string& out) {
  const size_t end = lines_.find("\r\n");
  if (end == lines_.npos) {
    if (lines_.size() > kLineBytesMax) return Fail(Code::kDamaged, "the peer speaks no RESP");
    return false;
  }
  const std::string line = lines_.substr(0, end);
  lines_.erase(0, end + 2);
  if (!line.starts_with('+')) {
    is_redis_ = state_ == State::kCommand && line.starts_with("-ERR unknown command");
    return Fail(Code::kUnavailable, "{}", line);
  }
  if (state_ == State::kAuth) {
    state_ = State::kCommand;
    AppendCommand(out);
    return true;
  }
  state_ = State::kWelcome;
  AppendHello(out, target_.Greeting());
  reader_.Append(std::exchange(lines_, {}));
  return true;
}

Result<void> ReplicaSession::Take(const Message& message) {
  switch (message.kind) {
    case MessageKind::kContinue:
    case MessageKind::kFullSync:
      return TakeWelcome(message);
    case MessageKind::kImage:
      return TakeImage(message.payload);
    case MessageKind::kRecord:
      return TakeRecord(message.payload);
    case MessageKind::kHeartbeat: {
      TRY(const Heartbeat heartbeat, DecodeHeartbeat(message.payload));
      primary_newest_ = std::max(primary_newest_, heartbeat.newest);
      return {};
    }
    case MessageKind::kPublish: {
      TRY(const Publish publish, DecodePublish(message.payload));
      target_.Published(publish);
      return {};
    }
    case MessageKind::kDenied:
      return Fail(Code::kUnavailable, "{}", message.payload);
    default:
      return {};  // what a newer build says besides is none of our business
  }
}

Result<void> ReplicaSession::TakeWelcome(const Message& message) {
  if (state_ != State::kWelcome) return Fail(Code::kDamaged, "a second welcome");
  TRY(welcome_, DecodeWelcome(message.payload));
  if (welcome_.version < kProtocolOldest)
    return Fail(Code::kUnavailable,
                "the primary speaks version {} of the protocol, this replica {}", welcome_.version,
                kProtocolVersion);
  primary_newest_ = welcome_.newest;
  if (message.kind == MessageKind::kContinue) {
    if (welcome_.last != target_.newest().sequence)
      return Fail(Code::kDamaged, "the primary goes on behind record {}, we have {}", welcome_.last,
                  target_.newest().sequence);
    state_ = State::kRecords;
    return target_.Continue(welcome_);
  }
  TRY(Keyspace* const keys, target_.BeginFullSync(welcome_));
  image_ = std::make_unique<ImageStream>(*keys);
  state_ = State::kImage;
  return {};
}

Result<void> ReplicaSession::TakeImage(std::string_view bytes) {
  if (state_ != State::kImage) return Fail(Code::kDamaged, "an image that was not announced");
  TRY(const bool all, image_->Feed(bytes));
  if (!all) return {};
  if (image_->header()->sequence != welcome_.last)
    return Fail(Code::kDamaged, "the image is of record {}, {} was announced",
                image_->header()->sequence, welcome_.last);
  state_ = State::kRecords;
  const std::unique_ptr<ImageStream> image = std::move(image_);
  return target_.EndFullSync(welcome_, *image->header(), image->entries());
}

/// Invariant: records follow each other with no gap and no repeat, and neither their epoch nor
/// their time goes back. Why: what we apply is what the primary has executed, and a former primary
/// may not undo what its successor did.
Result<void> ReplicaSession::TakeRecord(std::string_view payload) {
  if (state_ != State::kRecords) return Fail(Code::kDamaged, "a record before the image's end");
  TRY(const Record record, DecodeRecord(payload));
  const RecordHeader& header = record.header;
  const RecordHeader newest = target_.newest();
  if (header.sequence != newest.sequence + 1)
    return Fail(Code::kDamaged, "record {} follows {}", header.sequence, newest.sequence);
  if (header.epoch < newest.epoch)
    return Fail(Code::kDamaged, "record {} is of epoch {}, we are in {}: an old primary",
                header.sequence, header.epoch, newest.epoch);
  if (header.time_ms < newest.time_ms)
    return Fail(Code::kDamaged, "record {} is older than the one before", header.sequence);
  primary_newest_ = std::max(primary_newest_, header.sequence);
  target_.Apply(header, record.ops);
  return {};
}

}  // namespace cloakroom
