#include "redis_compat/migrate/redis_follower.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "store/base/check.h"
#include "store/base/log.h"
#include "store/base/number.h"

namespace cloakroom {
namespace {

constexpr size_t kIdBytes = 40;
constexpr size_t kAnswerBytesMax = 8192;
constexpr size_t kDumpBytes = size_t{64} << 10;  // of a slice
constexpr TimeMs kSayMs = 100;                   // between two offsets that nobody asked for

bool StartsWithAny(std::string_view line, std::initializer_list<std::string_view> starts) {
  return std::any_of(starts.begin(), starts.end(),
                     [line](std::string_view start) { return line.starts_with(start); });
}

}  // namespace

RedisFollower::RedisFollower(Options options, MigrationTarget& target)
    : options_(std::move(options)), target_(target), stream_(target, [this] { SendAck(); }) {}

RedisFollower::~RedisFollower() { Disconnected(); }

void RedisFollower::SetAuth(std::string user, std::string password) {
  options_.user = std::move(user);
  options_.password = std::move(password);
}

void RedisFollower::Send(std::initializer_list<std::string_view> words) {
  auto out = std::back_inserter(output_);
  fmt::format_to(out, "*{}\r\n", words.size());
  for (const std::string_view word : words) {
    fmt::format_to(out, "${}\r\n", word.size());
    output_.append(word).append("\r\n");
  }
}

void RedisFollower::SendAck() {
  said_ = stream_.applied();
  Send({"REPLCONF", "ACK", std::to_string(said_)});
}

void RedisFollower::Connected(TimeMs now) {
  CHECK(state_ == State::kDown);
  state_ = State::kHandshake;
  output_.clear();
  heard_ms_ = said_ms_ = now;
  expected_ = {Answer::kPong};
  Send({"PING"});
}

void RedisFollower::Disconnected() {
  if (std::exchange(payload_, nullptr) != nullptr)
    target_.AbortFullSync(/*retries=*/state_ != State::kStopped);
  output_.clear();
  if (state_ != State::kStopped) state_ = State::kDown;
}

/// What of an error another try cannot mend ends the following.
tl::unexpected<Error> RedisFollower::Failed(Error error) {
  if (state_ != State::kDump && state_ != State::kStream) return tl::unexpected(std::move(error));
  // What was read of a dump is no state, and a stream that is damaged cannot be gone on with.
  if (state_ == State::kDump || error.code == Code::kInvalid) id_.clear();
  if (error.code != Code::kInvalid) {
    state_ = State::kStopped;
    stop_reason_ = error.message;
  }
  return tl::unexpected(std::move(error));
}

Result<size_t> RedisFollower::Feed(std::string_view input, TimeMs now, bool& starved) {
  starved = input.empty();
  if (starved) return 0;
  switch (state_) {
    case State::kHandshake:
    case State::kWaiting:
      return FeedLine(input, starved);
    case State::kDump:
      return FeedDump(input.substr(0, kDumpBytes), now);
    case State::kStream: {
      Result<size_t> used = stream_.Feed(input, starved);
      if (!used) return Failed(std::move(used).error());
      return used;
    }
    case State::kDown:
    case State::kStopped:
      break;
  }
  return input.size();
}

Result<size_t> RedisFollower::FeedLine(std::string_view input, bool& starved) {
  const size_t end = input.find('\n');
  if (end == std::string_view::npos) {
    if (input.size() > kAnswerBytesMax)
      return Fail(Code::kInvalid, "the primary answers with a line of more than {} bytes",
                  kAnswerBytesMax);
    starved = true;
    return 0;
  }
  std::string_view line = input.substr(0, end);
  if (line.ends_with('\r')) line.remove_suffix(1);
  // Empty lines say that the primary is alive while it prepares the dump.
  if (!line.empty()) TRY_VOID(state_ == State::kWaiting ? TakeFrame(line) : TakeAnswer(line));
  return end + 1;
}

Result<void> RedisFollower::TakeAnswer(std::string_view line) {
  if (expected_.empty()) return Fail(Code::kInvalid, "the primary says unasked: {}", line);
  const Answer answer = expected_.front();
  expected_.pop_front();
  const bool refused = line.starts_with('-');
  switch (answer) {
    case Answer::kPong:
      // Who asks for a password answers PING with an error.
      if (refused && !StartsWithAny(line, {"-NOAUTH", "-NOPERM", "-ERR operation not permitted"}))
        return Fail(Code::kUnavailable, "the primary answers PING with: {}", line.substr(1));
      return Handshake();
    case Answer::kAuth:
      if (refused)
        return Fail(Code::kUnavailable, "the primary refuses masteruser and masterauth: {}",
                    line.substr(1));
      break;
    case Answer::kPort:
    case Answer::kAddress:
    case Answer::kCapabilities:
      if (refused) Log(LogLevel::kVerbose, "The primary answers REPLCONF with: {}", line.substr(1));
      break;
    case Answer::kPsync:
      return TakeSyncAnswer(line);
  }
  if (!expected_.empty()) return {};
  asked_partial_ = !id_.empty();
  expected_ = {Answer::kPsync};
  if (asked_partial_)
    Send({"PSYNC", id_, std::to_string(stream_.applied() + 1)});
  else
    Send({"PSYNC", "?", "-1"});
  return {};
}

Result<void> RedisFollower::Handshake() {
  if (!options_.password.empty()) {
    expected_.push_back(Answer::kAuth);
    if (options_.user.empty())
      Send({"AUTH", options_.password});
    else
      Send({"AUTH", options_.user, options_.password});
  }
  expected_.push_back(Answer::kPort);
  Send({"REPLCONF", "listening-port", std::to_string(options_.listening_port)});
  if (!options_.announce_ip.empty()) {
    expected_.push_back(Answer::kAddress);
    Send({"REPLCONF", "ip-address", options_.announce_ip});
  }
  expected_.push_back(Answer::kCapabilities);
  Send({"REPLCONF", "capa", "eof", "capa", "psync2"});
  return {};
}

Result<void> RedisFollower::TakeSyncAnswer(std::string_view line) {
  constexpr std::string_view kFull = "+FULLRESYNC ";
  constexpr std::string_view kContinue = "+CONTINUE";
  if (line.starts_with(kFull)) return TakeFullSync(line.substr(kFull.size()));
  if (line.starts_with(kContinue)) {
    std::string_view id = line.substr(kContinue.size());
    while (id.starts_with(' ')) id.remove_prefix(1);
    return TakePartialSync(id);
  }
  if (StartsWithAny(line, {"-NOMASTERLINK", "-LOADING"}))
    return Fail(Code::kUnavailable, "the primary cannot be followed yet: {}", line.substr(1));
  if (line.starts_with('-'))
    return Fail(Code::kUnavailable, "the primary refuses PSYNC: {}", line.substr(1));
  return Fail(Code::kInvalid, "the primary answers PSYNC with: {}", line);
}

Result<void> RedisFollower::TakeFullSync(std::string_view words) {
  const size_t blank = words.find(' ');
  int64_t offset = 0;
  if (blank != kIdBytes || !ParseInteger(words.substr(blank + 1), offset) || offset < 0)
    return Fail(Code::kInvalid, "the primary answers PSYNC with: FULLRESYNC {}", words);
  Log(LogLevel::kNotice, "Full sync from the primary: {}, at byte {}", words.substr(0, blank),
      offset);
  new_id_ = words.substr(0, blank);
  new_offset_ = static_cast<uint64_t>(offset);
  state_ = State::kWaiting;
  return {};
}

Result<void> RedisFollower::TakePartialSync(std::string_view id) {
  if (!asked_partial_) return Fail(Code::kInvalid, "the primary goes on where nothing was begun");
  if (!id.empty() && id != id_) {
    if (id.size() != kIdBytes)
      return Fail(Code::kInvalid, "the primary answers PSYNC with: CONTINUE {}", id);
    Log(LogLevel::kNotice, "The primary's history goes on as {}", id);
    id_ = id;
  }
  stream_.Resume();
  state_ = State::kStream;
  ++counters_.partial_syncs;
  Log(LogLevel::kNotice, "The primary goes on behind byte {}", stream_.applied());
  return {};
}

Result<void> RedisFollower::TakeFrame(std::string_view line) {
  if (line.starts_with('-'))
    return Fail(Code::kUnavailable, "the primary gave the full sync up: {}", line.substr(1));
  std::optional<DumpFrame> frame = DumpFrame::Parse(line);
  if (!frame) return Fail(Code::kInvalid, "the primary begins a dump with: {}", line);
  // From here on what we had is gone.
  id_.clear();
  target_.BeginFullSync();
  payload_ = std::make_unique<SyncPayload>(*std::move(frame), target_, options_.refuse_others);
  state_ = State::kDump;
  return {};
}

Result<size_t> RedisFollower::FeedDump(std::string_view input, TimeMs now) {
  Result<size_t> used = payload_->Feed(input);
  if (!used) return Failed(std::move(used).error());
  if (!payload_->done()) return used;
  const std::unique_ptr<SyncPayload> payload = std::exchange(payload_, nullptr);
  const RdbImport::Report& report = payload->report();
  Log(LogLevel::kNotice, "Full sync done: {} keys, {} bytes", report.keys, payload->read_bytes());
  target_.EndFullSync(report);
  id_ = new_id_;
  stream_.Begin(new_offset_, report.stream_db.value_or(0));
  state_ = State::kStream;
  ++counters_.full_syncs;
  // A primary that sent the dump without knowing its size goes on when it hears this.
  SendAck();
  said_ms_ = now;
  return used;
}

void RedisFollower::CaughtUp(TimeMs now) {
  if (state_ != State::kStream || stream_.applied() == said_ || now - said_ms_ < kSayMs) return;
  SendAck();
  said_ms_ = now;
}

Result<void> RedisFollower::Tick(TimeMs now) {
  if (state_ == State::kDown || state_ == State::kStopped) return {};
  if (now - heard_ms_ > options_.timeout_ms)
    return Fail(Code::kUnavailable, "the primary has said nothing for {} s",
                (now - heard_ms_) / 1000);
  if (state_ == State::kStream) {
    SendAck();
    said_ms_ = now;
  } else if (state_ == State::kDump) {
    output_.push_back('\n');  // we are alive
  }
  return {};
}

}  // namespace cloakroom
