#include "redis_compat/server/connection.h"

#include <algorithm>
#include <utility>

namespace cloakroom {

Connection::Connection(uint64_t id, StreamPtr stream, ConnectionEvents& events, TimeMs now)
    : events_(events), stream_(std::move(stream)) {
  Stream::Info info = stream_->info();
  client.id = id;
  client.connection = this;
  client.address = std::move(info.peer);
  client.local_address = std::move(info.local);
  client.fd = info.fd;
  client.unix_socket = info.unix_socket;
  client.created_ms = now;
  client.last_active_ms = now;
  stream_->SetEvents(this);
}

RequestParser::Status Connection::ParseNext(const RequestLimits& limits, RequestWords& words,
                                            size_t& bytes) {
  const RequestParser::Step step =
      parser_.Next(input_.unread().substr(parsed_ahead_), limits, words);
  bytes = step.consumed;
  parsed_ahead_ += step.consumed;
  if (step.status == RequestParser::Status::kNeedMore)
    unfinished_bytes_ = input_.size() - parsed_ahead_;
  return step.status;
}

void Connection::ParseAgain() {
  parsed_ahead_ = 0;
  parser_.Reset();
}

namespace {

/// In the place of a stream that was handed over.
class NoStream final : public Stream {
 public:
  [[nodiscard]] Info info() const override { return {}; }
  void SetEvents(StreamEvents* /*events*/) override {}
  void StartReading() override {}
  void StopReading() override {}
  [[nodiscard]] size_t TryWrite(std::string_view /*bytes*/) override { return 0; }
  void Write(std::string /*bytes*/, size_t /*from*/) override {}
  [[nodiscard]] size_t Unwritten() const override { return 0; }
  void SetKeepAlive(int /*seconds*/) override {}
  void Close() override { delete this; }

 private:
  ~NoStream() = default;
};

}  // namespace

StreamPtr Connection::Release(std::string& received) {
  received = input_.unread();
  output.Clear();
  SetReading(false);
  stream_->SetEvents(nullptr);
  return std::exchange(stream_, StreamPtr(new NoStream));
}

std::span<char> Connection::ReadSpace() {
  // What is left over comes first: the peer is read again when that is done with.
  if (place != Place::kIdle && place != Place::kFresh) return {};
  const size_t needed = parser_.BytesNeeded();
  if (input_.size() >= std::max(needed, unfinished_bytes_ + kReadAhead)) return {};
  return input_.Space(events_.arena(), needed);
}

void Connection::SetReading(bool reading) {
  if (reading == reading_) return;
  reading_ = reading;
  if (reading)
    stream_->StartReading();
  else
    stream_->StopReading();
}

void Connection::Received(size_t size_bytes) {
  input_.Received(events_.arena(), size_bytes);
  client.net_input_bytes += size_bytes;
  events_.Readable(*this, size_bytes);
}

void Connection::Ended() {
  peer_ended = true;
  events_.Readable(*this, 0);
}

}  // namespace cloakroom
