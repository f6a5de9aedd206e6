#include "store/replication/primary_feed.h"

#include <utility>

#include "store/base/planted.h"

namespace cloakroom {
namespace {

constexpr uint64_t kMessageBytesMax = uint64_t{64} << 10;  // of what a replica sends
constexpr size_t kImageUnits = 64;                         // of a step of an image

}  // namespace

PrimaryFeed::PrimaryFeed(FeedSource& source, std::string node)
    : source_(source), node_(std::move(node)), reader_(kMessageBytesMax) {}

Result<void> PrimaryFeed::Receive(std::string_view bytes) {
  reader_.Append(bytes);
  while (true) {
    TRY(const std::optional<Message> message, reader_.Next());
    if (!message) return {};
    if (state_ == State::kGreeting) {
      if (message->kind != MessageKind::kHello)
        return Fail(Code::kDamaged, "a greeting was expected");
      TRY_VOID(Greet(message->payload));
    } else if (message->kind == MessageKind::kAck) {
      TRY(ack_, DecodeAck(message->payload));
    }
    // What a newer build says besides is none of our business.
  }
}

Result<void> PrimaryFeed::Greet(std::string_view payload) {
  TRY(hello_, DecodeHello(payload));
  if (hello_.version < kProtocolOldest) {
    const std::string reason = "this primary speaks the replication protocol from version " +
                               std::to_string(kProtocolOldest) + " on";
    AppendMessage(greeting_, MessageKind::kDenied, reason);
    return Fail(Code::kUnavailable, "{}", reason);
  }
  const uint64_t last = source_.log().last();
  const std::optional<uint64_t> common =
      hello_.empty ? std::nullopt : source_.lineage().CommonWith(hello_.lineage, last, hello_.last);
  // Whoever has records that are not ours would have to forget them: he gets all anew.
  const bool follows = (common && *common == hello_.last) ||
                       (Planted(Plant::kNumbersAlone) && !hello_.empty && hello_.last <= last);
  const bool there = follows && (hello_.last + 1 >= source_.log().first() ||
                                 source_.OpenTail(hello_.last + 1) != nullptr ||
                                 Planted(Plant::kOverrunUnnoticed));
  if (!there) {
    full_sync_ = true;
    state_ = State::kWaiting;
    return {};
  }
  next_ = hello_.last + (Planted(Plant::kOneTooLate) ? 2 : 1);
  ack_.applied = hello_.last;
  AppendWelcome(greeting_, MessageKind::kContinue,
                {kProtocolVersion, node_, source_.lineage(), hello_.last, last});
  state_ = State::kRecords;
  return {};
}

Result<void> PrimaryFeed::Fill(std::string& out, size_t bytes_max) {
  if (read_error_) return tl::unexpected(*read_error_);
  out.append(std::exchange(greeting_, {}));
  if (state_ == State::kWaiting) {
    scan_ = source_.BeginImage();
    if (scan_ == nullptr) return {};
    const uint64_t last = source_.log().last();
    AppendWelcome(out, MessageKind::kFullSync,
                  {kProtocolVersion, node_, source_.lineage(), last, last});
    next_ = last + 1;
    state_ = State::kImage;
  }
  if (state_ == State::kImage) FillImage(out, bytes_max);
  return state_ == State::kRecords ? FillRecords(out, bytes_max) : Result<void>();
}

void PrimaryFeed::FillImage(std::string& out, size_t bytes_max) {
  if (scan_ == nullptr || out.size() >= bytes_max) return;
  const bool all = scan_->Step(kImageUnits);
  if (const std::string bytes = scan_->Take(); !bytes.empty())
    AppendMessage(out, MessageKind::kImage, bytes);
  if (!all) return;
  scan_.reset();
  state_ = State::kRecords;
}

Result<void> PrimaryFeed::FillRecords(std::string& out, size_t bytes_max) {
  out.append(std::exchange(read_, {}));
  if (reading_ || out.size() >= bytes_max || next_ > source_.log().last()) return {};
  const auto take = [&](const RecordHeader& header, std::string_view ops) {
    AppendRecord(out, header, ops);
    next_ = header.sequence + 1;
    return out.size() < bytes_max;
  };
  if (!source_.log().ReadSome(next_, take)) return ReadDisk();
  tail_.reset();
  return {};
}

Result<void> PrimaryFeed::ReadDisk() {
  if (tail_ == nullptr) tail_ = source_.OpenTail(next_);
  if (tail_ == nullptr)
    return Fail(Code::kOutOfRange, "record {} is neither in memory nor in a log on disk", next_);
  if (source_.Written() < next_) return {};
  reading_ = true;
  tail_->Read(
      source_.Written(),
      [this](const RecordHeader& header, std::string_view ops) {
        AppendRecord(read_, header, ops);
        next_ = header.sequence + 1;
      },
      [this](const Result<void>& result) {
        reading_ = false;
        if (!result) read_error_ = result.error();
        source_.Wake();
      });
  return {};
}

bool PrimaryFeed::HasMore() const {
  if (!greeting_.empty() || !read_.empty() || read_error_ || scan_ != nullptr) return true;
  return state_ == State::kRecords && !reading_ && next_ <= source_.log().last();
}

void PrimaryFeed::AppendHeartbeat(std::string& out) const {
  cloakroom::AppendHeartbeat(out, {source_.log().last(), source_.now()});
}

void PrimaryFeed::AppendPublished(std::string& out, const Publish& publish) const {
  if (state_ == State::kRecords) AppendPublish(out, publish);
}

}  // namespace cloakroom
