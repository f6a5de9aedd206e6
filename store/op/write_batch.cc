#include "store/op/write_batch.h"

#include <cstring>

#include "store/base/check.h"
#include "store/base/coding.h"

namespace cloakroom {
namespace {

// kind, db, key size, a short key, and up to three numbers: built on the stack, appended at once.
constexpr size_t kShortKey = 200;
constexpr size_t kPrefixBytes = 1 + kShortKey + 5 * kVarintBytesMax;

}  // namespace

void WriteBatch::Prefix(OpKind kind, uint32_t db, const KeyRef& key,
                        std::initializer_list<uint64_t> numbers) {
  char buffer[kPrefixBytes];
  char* at = buffer;
  *at++ = static_cast<char>(kind);
  at = PutVarint(at, db);
  at = PutVarint(at, key.bytes.size());
  if (key.bytes.size() <= kShortKey) [[likely]] {
    std::memcpy(at, key.bytes.data(), key.bytes.size());
    at += key.bytes.size();
  } else {
    bytes_.append(buffer, at);
    bytes_.append(key.bytes);
    at = buffer;
  }
  for (const uint64_t number : numbers) at = PutVarint(at, number);
  bytes_.append(buffer, at);
  positions_.push_back(key.position);
}

void WriteBatch::Elements(OpKind kind, uint32_t db, const KeyRef& key, size_t count,
                          std::span<const std::string_view> elements) {
  if (count == 0) return;
  Prefix(kind, db, key, {count});
  for (const std::string_view element : elements) AppendSized(bytes_, element);
}

void WriteBatch::PutString(uint32_t db, const KeyRef& key, std::string_view value,
                           TimeMs deadline) {
  Prefix(OpKind::kPutString, db, key, {static_cast<uint64_t>(deadline), value.size()});
  bytes_.append(value);
}

void WriteBatch::PutText(uint32_t db, const KeyRef& key, std::string_view value, TimeMs deadline) {
  Prefix(OpKind::kPutText, db, key, {static_cast<uint64_t>(deadline), value.size()});
  bytes_.append(value);
}

void WriteBatch::AppendString(uint32_t db, const KeyRef& key, uint64_t offset,
                              std::string_view bytes) {
  Prefix(OpKind::kAppendString, db, key, {offset, bytes.size()});
  bytes_.append(bytes);
  beyond_ += offset / 4;  // a block that must move may get so much larger
}

void WriteBatch::WriteString(uint32_t db, const KeyRef& key, uint64_t offset,
                             std::string_view bytes) {
  Prefix(OpKind::kWriteString, db, key, {offset, bytes.size()});
  bytes_.append(bytes);
  beyond_ += offset;
}

void WriteBatch::SetDeadline(uint32_t db, const KeyRef& key, TimeMs deadline) {
  Prefix(OpKind::kSetDeadline, db, key, {static_cast<uint64_t>(deadline)});
}

void WriteBatch::Delete(uint32_t db, const KeyRef& key) { Prefix(OpKind::kDelete, db, key, {}); }

void WriteBatch::Rename(uint32_t db, const KeyRef& key, uint32_t db2, const KeyRef& key2) {
  Prefix(OpKind::kRename, db, key, {db2, key2.bytes.size()});
  bytes_.append(key2.bytes);
  positions_.push_back(key2.position);
}

void WriteBatch::Copy(uint32_t db, const KeyRef& key, uint32_t db2, const KeyRef& key2) {
  Prefix(OpKind::kCopy, db, key, {db2, key2.bytes.size()});
  bytes_.append(key2.bytes);
  positions_.push_back(key2.position);
  beyond_ = kUnknownBytes;
}

void WriteBatch::HashSet(uint32_t db, const KeyRef& key,
                         std::span<const std::string_view> fields_values) {
  CHECK(fields_values.size() % 2 == 0);
  Elements(OpKind::kHashSet, db, key, fields_values.size() / 2, fields_values);
}

void WriteBatch::HashDelete(uint32_t db, const KeyRef& key,
                            std::span<const std::string_view> fields) {
  Elements(OpKind::kHashDelete, db, key, fields.size(), fields);
}

void WriteBatch::SetAdd(uint32_t db, const KeyRef& key, std::span<const std::string_view> members) {
  Elements(OpKind::kSetAdd, db, key, members.size(), members);
}

void WriteBatch::SetRemove(uint32_t db, const KeyRef& key,
                           std::span<const std::string_view> members) {
  Elements(OpKind::kSetRemove, db, key, members.size(), members);
}

void WriteBatch::FlushDb(uint32_t db) { Keyless(OpKind::kFlushDb, db); }

void WriteBatch::FlushAll() { Keyless(OpKind::kFlushAll, 0); }

void WriteBatch::SwapDb(uint32_t db, uint32_t db2) {
  Keyless(OpKind::kSwapDb, db);
  AppendVarint(bytes_, db2);
}

void WriteBatch::Add(OpKind kind, uint32_t db, const KeyRef& key, std::string_view payload) {
  CHECK(kind >= OpKind::kSessionFirst);
  Prefix(kind, db, key, {payload.size()});
  bytes_.append(payload);
}

void WriteBatch::Keyless(OpKind kind, uint32_t db) {
  bytes_.push_back(static_cast<char>(kind));
  AppendVarint(bytes_, db);
}

}  // namespace cloakroom
