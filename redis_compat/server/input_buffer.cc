#include "redis_compat/server/input_buffer.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "store/base/check.h"

namespace cloakroom {
namespace {

// A request that needs more than this is read into memory of its own from the start.
constexpr size_t kLarge = size_t{64} << 10;
// Fewer bytes than these are rather copied in front of what is read next than read behind.
constexpr size_t kCopyMax = size_t{4} << 10;

char* Allocate(size_t bytes) {
  auto* memory = static_cast<char*>(std::malloc(bytes));
  CHECK(memory != nullptr);
  return memory;
}

}  // namespace

InputBuffer::~InputBuffer() { Free(); }

void InputBuffer::Free() {
  if (capacity_ > 0) std::free(data_);
  data_ = nullptr;
  begin_ = end_ = capacity_ = 0;
}

void InputBuffer::MoveToOwn(size_t capacity) {
  char* memory = Allocate(capacity);
  const size_t unread_bytes = size();
  if (unread_bytes > 0) std::memcpy(memory, data_ + begin_, unread_bytes);
  Free();
  data_ = memory;
  end_ = unread_bytes;
  capacity_ = capacity;
}

// Doubles, so that a large request is copied O(1) times in all, but takes memory only in step with
// what has really come; and never beyond the end of a request that is known.
void InputBuffer::MakeRoom(size_t needed) {
  if (capacity_ > 0 && begin_ > 0) {
    std::memmove(data_, data_ + begin_, size());
    end_ -= begin_;
    begin_ = 0;
  }
  const size_t unread_bytes = size();
  const bool known = needed > unread_bytes;
  const size_t room_min =
      known ? std::min(needed - unread_bytes, ReadArena::kSpaceMin) : ReadArena::kSpaceMin;
  if (capacity_ > 0 && capacity_ - end_ >= room_min) return;
  size_t capacity = std::max(2 * unread_bytes, unread_bytes + ReadArena::kSpaceMax);
  if (known) capacity = std::min(capacity, needed);
  if (capacity_ == 0) {
    MoveToOwn(capacity);
    return;
  }
  data_ = static_cast<char*>(std::realloc(data_, capacity));
  CHECK(data_ != nullptr);
  capacity_ = capacity;
}

std::span<char> InputBuffer::Space(ReadArena& arena, size_t needed) {
  const size_t unread_bytes = size();
  moving_ = nullptr;
  if (needed <= kLarge) {
    if (unread_bytes == 0) {
      if (capacity_ > 0) Free();
      const std::span<char> space = arena.Space();
      moving_ = space.data();
      return space;
    }
    if (borrowed() && arena.Continues(data_ + end_)) return arena.Space();
    if (!borrowed() && unread_bytes <= kCopyMax) {
      const std::span<char> space = arena.Space(unread_bytes + ReadArena::kSpaceMin);
      if (space.empty()) return {};
      std::memcpy(space.data(), data_ + begin_, unread_bytes);
      moving_ = space.data();
      return space.subspan(unread_bytes);
    }
  }
  MakeRoom(needed);
  return {data_ + end_, capacity_ - end_};
}

void InputBuffer::Received(ReadArena& arena, size_t size_bytes) {
  if (moving_ != nullptr) {
    const size_t unread_bytes = size();
    char* const place = moving_;
    moving_ = nullptr;
    Free();
    arena.Take(unread_bytes + size_bytes);
    data_ = place;
    end_ = unread_bytes + size_bytes;
    return;
  }
  if (borrowed()) arena.Take(size_bytes);
  end_ += size_bytes;
}

void InputBuffer::Settle() {
  if (size() == 0) {
    Free();
  } else if (borrowed()) {
    MoveToOwn(size());
  }
}

}  // namespace cloakroom
