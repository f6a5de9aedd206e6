#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "store/table/capture_sink.h"
#include "store/table/session_space.h"
#include "store/table/table_capture.h"

namespace cloakroom {

/// Hands out what a SessionSpace holds at one moment: see KeyspaceCapture, of which it is a part.
/// What had ended by then, whether by time or by a mark, is handed out as the tombstones that it
/// leaves. A session's spent tokens come with it, so whoever changes one of them, or the session's
/// shape, tells of the session first. FLUSHALL takes tables and namespaces away; they are kept
/// until this is done with them.
class SessionCapture {
 public:
  /// As of `time`. Hands out what comes first at once: O(namespaces).
  SessionCapture(SessionSpace& space, TimeMs time, CaptureSink& sink);
  ~SessionCapture();
  SessionCapture(const SessionCapture&) = delete;
  SessionCapture& operator=(const SessionCapture&) = delete;

  /// As TableCapture::Step.
  bool Step(size_t& budget);
  [[nodiscard]] size_t expected() const { return expected_; }

  /// As TableCapture::memory_bytes.
  [[nodiscard]] size_t memory_bytes() const {
    return (sessions_ == nullptr ? 0 : sessions_->memory_bytes()) +
           (users_ == nullptr ? 0 : users_->memory_bytes());
  }

  /// The space was flushed: what was in it is read with `kept` from now on.
  void Flushed(const Namespaces& kept) { namespaces_ = &kept; }

 private:
  struct SessionSink final : TableCapture::Sink {
    explicit SessionSink(SessionCapture& capture) : owner(capture) {}
    void Take(const Entry& entry) override { owner.TakeEntry(entry); }
    SessionCapture& owner;
  };
  struct UserSink final : TableCapture::Sink {
    explicit UserSink(SessionCapture& capture) : owner(capture) {}
    void Take(const Entry& entry) override { owner.TakeUser(entry); }
    SessionCapture& owner;
  };

  void TakeEntry(const Entry& entry);
  void TakeUser(const Entry& entry);

  SessionSpace& space_;
  const TimeMs time_;
  const uint64_t serial_;
  CaptureSink& sink_;
  const Namespaces* namespaces_;
  const Table* table_;
  size_t expected_;
  SessionSink session_sink_;
  UserSink user_sink_;
  std::unique_ptr<TableCapture> sessions_;  // until it is done
  std::unique_ptr<TableCapture> users_;
};

}  // namespace cloakroom
