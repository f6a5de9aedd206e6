// Keyspace::RoomFor: what a batch will hold once it is applied. Asked only where memory is short.

#include <algorithm>
#include <bit>

#include "store/op/session_op.h"
#include "store/table/hash_value.h"
#include "store/table/keyspace_impl.h"
#include "store/table/packed.h"
#include "store/table/set_value.h"

namespace cloakroom {
namespace {

constexpr size_t kStep = 16;          // blocks come in steps of this, and so do malloc's small ones
constexpr size_t kIndexBytes = 16;    // an entry's place in a segment that has just split
constexpr size_t kArmBytes = 8;       // of the wheel
constexpr size_t kTableBytes = 4096;  // an empty collection
constexpr size_t kElementBytes = kStep + Entry::kHeaderBytes + kIndexBytes;  // beside its bytes
constexpr size_t kSessionBytes = 256;  // a session without fields, with its user's index
constexpr size_t kMergeBytes = 64;
constexpr size_t kLookedUpMax = 64;  // elements of a packed collection that are searched for

/// What malloc gives out for `bytes`: four sizes between a power of two and the next.
size_t Allocated(size_t bytes) {
  const size_t step = std::max(kStep, std::bit_ceil(bytes) / 8);
  return (bytes + step - 1) / step * step;
}

/// At most what the block of `entry` takes.
size_t Held(const Entry* entry) { return entry == nullptr ? 0 : entry->BlockBytes(); }

size_t Less(size_t a, size_t b) { return a - std::min(a, b); }

size_t EntryRoom(size_t key_bytes, size_t value_bytes, bool deadline) {
  return Allocated(Entry::BlockBytes(key_bytes, value_bytes)) + kIndexBytes +
         (deadline ? kArmBytes : 0);
}

/// What of `op`'s elements is in the collection already, as its packed form counts it.
size_t Known(const Op& op, const Entry& entry) {
  if (entry.encoding() != Encoding::kTable && op.count > kLookedUpMax) return 0;
  size_t known = 0;
  for (ElementReader elements(op.payload); elements.more();) {
    const std::string_view name = elements.Next();
    if (op.kind == OpKind::kSetAdd) {
      if (SetContains(entry, name)) known += name.size() + kElementBytes;
      continue;
    }
    (void)elements.Next();
    if (const auto value = HashGet(entry, name)) known += name.size() + value->size() + 2;
  }
  return known;
}

/// Whether a small collection may become a table by what is added.
bool MayBecomeTable(const Op& op, const Entry* entry, const PackedLimits& limits) {
  constexpr size_t kSetMembersMax = 128;  // of a packed set, or one of a mixed kind
  constexpr size_t kSetMemberBytesMax = 64;
  const bool hash = op.kind == OpKind::kHashSet;
  size_t count = op.count;
  if (entry != nullptr) count += hash ? HashSize(*entry) : SetSize(*entry);
  if (count > (hash ? limits.hash_entries_max : kSetMembersMax)) return true;
  const size_t bytes_max = hash ? limits.hash_value_bytes_max : kSetMemberBytesMax;
  for (ElementReader elements(op.payload); elements.more();)
    if (elements.Next().size() > bytes_max) return true;
  return false;
}

size_t RoomForSession(const Op& op) {
  if (op.kind == kOpSessionPut || op.kind == kOpSessionRotate || op.kind == kOpSessionPolicy)
    return Allocated(op.payload.size() + kSessionBytes);
  // Ends, marks and slides take as much away as they bring.
  return op.kind == kOpSessionMerge ? op.payload.size() + kMergeBytes : 0;
}

}  // namespace

size_t Keyspace::Impl::RoomForString(const Op& op, const KeyRef& key) const {
  const Entry* const entry = At(op.db, key);
  size_t size = op.payload.size();
  bool deadline = op.deadline != kNoDeadline;
  if (op.kind == OpKind::kAppendString || op.kind == OpKind::kWriteString) {
    size = std::max<size_t>(op.offset + size, entry != nullptr ? entry->value_size() : 0);
    deadline = entry != nullptr && entry->deadline() != kNoDeadline;
  }
  const size_t room = EntryRoom(key.bytes.size(), size, deadline);
  if (entry == nullptr) return room;
  // A block that can stay where it is needs nothing.
  const size_t arm = deadline && entry->deadline() == kNoDeadline ? kArmBytes : 0;
  if (Entry::BlockBytes(key.bytes.size(), size) <= Held(entry)) return arm;
  return Less(room, Held(entry) + kIndexBytes) + arm;
}

size_t Keyspace::Impl::RoomForMove(const Op& op, const KeyRef& key, const KeyRef& key2) const {
  const Entry* const source = At(op.db, key);
  if (source == nullptr) return 0;
  size_t room = EntryRoom(key2.bytes.size(), source->value_size(), true);
  size_t held = Held(At(op.db2, key2));
  if (op.kind == OpKind::kRename)
    held += Held(source);
  else if (source->encoding() == Encoding::kTable)
    room += sizeof(Collection) + CollectionOf(*source)->table.memory().InUse();
  return Less(room, held);
}

size_t Keyspace::Impl::RoomForElements(const Op& op, const KeyRef& key) const {
  const Entry* entry = At(op.db, key);
  // One of another type is dead, or an op before this one deletes it.
  const ValueType type = op.kind == OpKind::kHashSet ? ValueType::kHash : ValueType::kSet;
  if (entry != nullptr && entry->type() != type) entry = nullptr;
  const size_t bytes = op.payload.size();
  const size_t as_table = bytes + op.count * kElementBytes;
  if (entry != nullptr && entry->encoding() == Encoding::kTable)
    return Less(as_table, Known(op, *entry));
  const size_t old = entry == nullptr ? 0 : entry->value_size();
  if (MayBecomeTable(op, entry, limits)) {
    size_t members = 0;
    if (entry != nullptr)
      members = op.kind == OpKind::kHashSet ? HashSize(*entry) : SetSize(*entry);
    return kTableBytes + EntryRoom(key.bytes.size(), sizeof(void*), true) + 8 * old + as_table +
           members * kElementBytes;
  }
  // An intset may come to hold its integers in eight bytes each, or as digits.
  const size_t wide = op.kind == OpKind::kSetAdd ? 2 * old + 8 * op.count : old;
  if (entry == nullptr) return EntryRoom(key.bytes.size(), wide + bytes, false);
  const size_t known = Known(op, *entry);
  if (known >= bytes) return 0;
  return Less(EntryRoom(key.bytes.size(), wide + bytes - known, false), Held(entry) + kIndexBytes);
}

size_t Keyspace::RoomFor(std::string_view ops, std::span<const Position> positions) const {
  const Impl& impl = *impl_;
  Impl::Positions known(impl, positions);
  size_t room = 0;
  OpReader reader(ops);
  for (Op op; reader.Next(op);) {
    if (op.ForSessions()) {
      known.Skip();
      room += RoomForSession(op);
    } else if (op.kind == OpKind::kRename || op.kind == OpKind::kCopy) {
      const KeyRef key = known.Of(op.key);
      room += impl.RoomForMove(op, key, known.Of(op.key2));
    } else if (op.kind == OpKind::kHashSet || op.kind == OpKind::kSetAdd) {
      room += impl.RoomForElements(op, known.Of(op.key));
    } else if (op.kind == OpKind::kPutString || op.kind == OpKind::kPutText ||
               op.kind == OpKind::kAppendString || op.kind == OpKind::kWriteString) {
      room += impl.RoomForString(op, known.Of(op.key));
    } else if (op.kind != OpKind::kFlushDb && op.kind != OpKind::kFlushAll &&
               op.kind != OpKind::kSwapDb) {
      known.Skip();  // to take away needs no room
    }
  }
  CHECK(reader.ok());
  return room;
}

}  // namespace cloakroom
