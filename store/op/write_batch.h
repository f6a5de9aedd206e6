#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/base/position.h"
#include "store/base/time.h"
#include "store/op/op.h"

namespace cloakroom {

/// The ops that one command asks for, encoded as the log keeps them. Handlers fill it; the
/// dispatcher commits it when the handler succeeded and drops it otherwise. Ops apply in order;
/// a handler does not see its own batch when it reads the keyspace.
///
/// Beside the bytes it keeps each keyed op's Position, so that the primary need not hash again.
class WriteBatch {
 public:
  /// Sets `key` to a string, whatever stood there. `deadline` kNoDeadline: none.
  void PutString(uint32_t db, const KeyRef& key, std::string_view value, TimeMs deadline);
  /// The same, but OBJECT ENCODING will not say int, whatever the value looks like.
  void PutText(uint32_t db, const KeyRef& key, std::string_view value, TimeMs deadline);
  /// Appends to the string at `key`, whose length is `offset` now (0: the key is made).
  void AppendString(uint32_t db, const KeyRef& key, uint64_t offset, std::string_view bytes);
  /// Overwrites from `offset` on, zero-filling a gap; keeps the deadline; makes the key if absent.
  void WriteString(uint32_t db, const KeyRef& key, uint64_t offset, std::string_view bytes);

  /// Gives the live entry `key` a deadline, or with kNoDeadline takes it away.
  void SetDeadline(uint32_t db, const KeyRef& key, TimeMs deadline);
  void Delete(uint32_t db, const KeyRef& key);
  /// Moves the entry at `key` (value and deadline) to `key2` of `db2`; what stood there goes.
  void Rename(uint32_t db, const KeyRef& key, uint32_t db2, const KeyRef& key2);
  /// Copies it (value and deadline); what stood at `key2` goes.
  void Copy(uint32_t db, const KeyRef& key, uint32_t db2, const KeyRef& key2);

  /// Sets fields of the hash at `key`, made if absent: field, value, field, value, ...
  void HashSet(uint32_t db, const KeyRef& key, std::span<const std::string_view> fields_values);
  /// Deletes fields; absent ones are ignored; a hash left empty goes.
  void HashDelete(uint32_t db, const KeyRef& key, std::span<const std::string_view> fields);
  /// Adds members to the set at `key`, made if absent.
  void SetAdd(uint32_t db, const KeyRef& key, std::span<const std::string_view> members);
  /// Removes members; absent ones are ignored; a set left empty goes.
  void SetRemove(uint32_t db, const KeyRef& key, std::span<const std::string_view> members);

  void FlushDb(uint32_t db);
  /// Ends every key of every database and every session; policies stay.
  void FlushAll();
  void SwapDb(uint32_t db, uint32_t db2);

  /// Adds an op of the sessions (kSessionFirst and up); what `payload` means is the kind's own.
  void Add(OpKind kind, uint32_t db, const KeyRef& key, std::string_view payload);

  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  /// Empties it for the next command; its buffer stays, unless one huge value made it huge.
  void Clear() {
    if (bytes_.capacity() > kKeepBytesMax) [[unlikely]]
      std::string().swap(bytes_);  // to assign an empty string would keep the memory
    bytes_.clear();
    positions_.clear();
    beyond_ = 0;
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  /// The bytes, and what the ops bring to move beyond them: gaps that are filled, values that are
  /// copied (of unknown size: more than anything) or must move to grow.
  [[nodiscard]] size_t reach() const { return bytes_.size() + beyond_; }
  /// One a key in the bytes, in order (kRename and kCopy have two, kFlushDb and the like none).
  [[nodiscard]] const std::vector<Position>& positions() const { return positions_; }

 private:
  static constexpr size_t kKeepBytesMax = 1 << 20;

  void Prefix(OpKind kind, uint32_t db, const KeyRef& key, std::initializer_list<uint64_t> numbers);
  void Elements(OpKind kind, uint32_t db, const KeyRef& key, size_t count,
                std::span<const std::string_view> elements);
  void Keyless(OpKind kind, uint32_t db);

  static constexpr size_t kUnknownBytes = size_t{1} << 50;

  std::string bytes_;
  std::vector<Position> positions_;
  size_t beyond_ = 0;
};

}  // namespace cloakroom
