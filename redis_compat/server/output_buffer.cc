#include "redis_compat/server/output_buffer.h"

#include <string_view>
#include <utility>

namespace cloakroom {

std::string StringPool::Take() {
  std::string text;
  if (free_.empty()) {
    text.reserve(kBytesMin);
  } else {
    text = std::move(free_.back());
    free_.pop_back();
  }
  return text;
}

void StringPool::Give(std::string text) {
  if (text.capacity() < kBytesMin || text.capacity() > kBytesMax || free_.size() == kStringsMax)
    return;
  text.clear();
  free_.push_back(std::move(text));
}

size_t OutputBuffer::Releasable(Reached reached) {
  size_t satisfied = 0;
  while (satisfied < holds_.size() && reached(holds_[satisfied].level, holds_[satisfied].sequence))
    ++satisfied;
  holds_.erase(holds_.begin(), holds_.begin() + static_cast<std::ptrdiff_t>(satisfied));
  return holds_.empty() ? text_.size() : holds_.front().offset;
}

size_t OutputBuffer::Flush(Stream& stream, StringPool& pool, Reached reached) {
  if (text_.empty()) {
    if (memory_bytes() > 0) pool.Give(std::exchange(text_, {}));
    return 0;
  }
  if (stream.Unwritten() > 0) return 0;
  const size_t ready = holds_.empty() ? text_.size() : Releasable(reached);
  if (ready == 0) return 0;
  const size_t taken = stream.TryWrite(std::string_view(text_).substr(0, ready));
  if (ready == text_.size()) {
    if (taken == ready)
      pool.Give(std::exchange(text_, {}));
    else
      stream.Write(std::exchange(text_, {}), taken);
    return ready;
  }
  if (taken < ready) stream.Write(text_.substr(taken, ready - taken), 0);
  text_.erase(0, ready);
  for (Hold& hold : holds_) hold.offset -= ready;
  return ready;
}

void OutputBuffer::Clear() {
  std::string().swap(text_);
  holds_ = {};
}

bool OutputWatch::Exceeded(const OutputLimit& limit, size_t pending_bytes, TimeMs now) {
  if (limit.hard_bytes > 0 && pending_bytes >= limit.hard_bytes) return true;
  if (limit.soft_bytes == 0 || pending_bytes < limit.soft_bytes) {
    soft_since_ms_ = 0;
    return false;
  }
  if (soft_since_ms_ == 0) soft_since_ms_ = now;
  return now - soft_since_ms_ > limit.soft_seconds * 1000;
}

}  // namespace cloakroom
