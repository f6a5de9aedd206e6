#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "redis_compat/server/read_arena.h"

namespace cloakroom {

/// A connection's unconsumed bytes. They lie in the arena they were read into, or, when they
/// outlive a turn, in memory of their own that is as large as they are.
class InputBuffer {
 public:
  InputBuffer() = default;
  ~InputBuffer();
  InputBuffer(const InputBuffer&) = delete;
  InputBuffer& operator=(const InputBuffer&) = delete;

  [[nodiscard]] std::string_view unread() const { return {data_ + begin_, end_ - begin_}; }
  [[nodiscard]] size_t size() const { return end_ - begin_; }
  /// Memory of its own.
  [[nodiscard]] size_t own_bytes() const { return capacity_; }
  /// The same, without what was consumed and is freed when the turn ends.
  [[nodiscard]] size_t kept_bytes() const { return capacity_ - (capacity_ > 0 ? begin_ : 0); }

  /// Where the next bytes may go: behind the unread ones, or before it becomes known that they
  /// come, where these would be moved to. Empty when the arena is full.
  ///   needed  bytes that the request in front has in all, 0 if unknown
  [[nodiscard]] std::span<char> Space(ReadArena& arena, size_t needed);
  /// The first `size_bytes` of the last Space are filled.
  void Received(ReadArena& arena, size_t size_bytes);

  /// Drops bytes from the front. They stay readable until Settle.
  void Consume(size_t size_bytes) { begin_ += size_bytes; }

  /// At the end of a turn: what is left moves out of the arena, and empty memory is freed.
  void Settle();

 private:
  [[nodiscard]] bool borrowed() const { return capacity_ == 0 && data_ != nullptr; }
  void MoveToOwn(size_t capacity);
  void MakeRoom(size_t needed);
  void Free();

  char* data_ = nullptr;
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t capacity_ = 0;     // 0: data_ is the arena's, or nothing
  char* moving_ = nullptr;  // where the unread bytes were copied to for the next Received
};

}  // namespace cloakroom
