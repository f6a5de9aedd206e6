#include "store/op/session_op.h"

#include <initializer_list>
#include <limits>
#include <string>

#include "store/base/check.h"
#include "store/base/coding.h"
#include "store/base/hash.h"

namespace cloakroom {
namespace {

constexpr uint8_t kByPut = 1;
constexpr uint8_t kHasMeta = 2;
constexpr uint8_t kHasFields = 4;

void AppendTimes(std::string& out, std::initializer_list<TimeMs> times) {
  for (const TimeMs time : times) {
    DCHECK(time >= 0 && time <= kDeadlineMax);
    AppendVarint(out, static_cast<uint64_t>(time));
  }
}

void AppendWords(std::string& out, WordSpan words, size_t parts) {
  CHECK(words.size() % parts == 0);
  AppendVarint(out, words.size() / parts);
  for (const std::string_view word : words) AppendSized(out, word);
}

// More than AppendWords takes, but for words beyond 16 KiB.
size_t RoomOf(WordSpan words) {
  size_t bytes = 2 + 2 * words.size();
  for (const std::string_view word : words) bytes += word.size();
  return bytes;
}
constexpr size_t kNumbersRoom = 80;  // a payload's times, sizes and flags

// A user and a namespace stand where their slot says, so that a moving slot takes its marks along.
KeyRef NameRef(std::string_view name) { return {name, Position{SlotOf(name), 0}}; }

TimeMs ReadTime(ByteReader& bytes) {
  const uint64_t time = bytes.Varint();
  if (time > static_cast<uint64_t>(kDeadlineMax)) bytes.Fail();
  return static_cast<TimeMs>(time);
}

uint32_t ReadU32(ByteReader& bytes) {
  const uint64_t value = bytes.Varint();
  if (value > std::numeric_limits<uint32_t>::max()) bytes.Fail();
  return static_cast<uint32_t>(value);
}

uint8_t ReadEnum(ByteReader& bytes, uint8_t last) {
  const uint64_t value = bytes.Varint();
  if (value > last) bytes.Fail();
  return static_cast<uint8_t>(value);
}

template <typename Fixed>
void ReadFixed(ByteReader& bytes, Fixed& out) {
  const std::string_view read = bytes.Bytes(Fixed::kBytes);
  if (bytes.ok()) out = Fixed::FromBytes(read);
}

/// Appends the words to `words` and returns how many they are: spans are cut when all are in, for
/// a growing vector moves.
size_t ReadWords(ByteReader& bytes, uint64_t parts, std::vector<std::string_view>& words) {
  const uint64_t count = bytes.Varint();
  if (count > bytes.left() / parts) bytes.Fail();
  if (!bytes.ok()) return 0;
  for (uint64_t left = count * parts; left > 0 && bytes.ok(); --left)
    words.push_back(bytes.Sized());
  return static_cast<size_t>(count * parts);
}

bool Done(const ByteReader& bytes) { return bytes.ok() && bytes.left() == 0; }

bool ReadKey(const Op& op, SessionKey& key) {
  if (op.key.size() != SessionKey::kBytes) return false;
  key = SessionKey::FromBytes(op.key);
  return key.slot() < kSlotCount;
}

}  // namespace

void Add(WriteBatch& batch, const SessionPutOp& op) {
  std::string payload;
  payload.reserve(kNumbersRoom + op.ns.size() + op.user.size() + RoomOf(op.meta) +
                  RoomOf(op.fields));
  AppendSized(payload, op.ns);
  AppendSized(payload, op.user);
  payload += op.handle.view();
  AppendTimes(payload,
              {op.created, op.seen, op.auth_at, op.abs_start, op.idle_ms, op.abs_ms, op.version});
  payload += static_cast<char>((op.by_put ? kByPut : 0) | (op.has_meta ? kHasMeta : 0) |
                               (op.has_fields ? kHasFields : 0));
  AppendWords(payload, op.meta, 2);
  AppendWords(payload, op.fields, 2);
  batch.Add(kOpSessionPut, 0, op.key.ref(), payload);
}

bool Decode(const Op& op, SessionPutOp& out, std::vector<std::string_view>& words) {
  if (!ReadKey(op, out.key)) return false;
  words.clear();
  ByteReader bytes(op.payload);
  out.ns = bytes.Sized();
  out.user = bytes.Sized();
  ReadFixed(bytes, out.handle);
  out.created = ReadTime(bytes);
  out.seen = ReadTime(bytes);
  out.auth_at = ReadTime(bytes);
  out.abs_start = ReadTime(bytes);
  out.idle_ms = ReadTime(bytes);
  out.abs_ms = ReadTime(bytes);
  out.version = ReadU32(bytes);
  const auto flags = bytes.Int<uint8_t>();
  out.by_put = (flags & kByPut) != 0;
  out.has_meta = (flags & kHasMeta) != 0;
  out.has_fields = (flags & kHasFields) != 0;
  const size_t meta = ReadWords(bytes, 2, words);
  const size_t fields = ReadWords(bytes, 2, words);
  if (!Done(bytes)) return false;
  out.meta = WordSpan(words).first(meta);
  out.fields = WordSpan(words).subspan(meta, fields);
  return true;
}

void Add(WriteBatch& batch, const SessionSlideOp& op) {
  std::string payload;
  AppendTimes(payload, {op.seen, op.idle_ms});
  batch.Add(kOpSessionSlide, 0, op.key.ref(), payload);
}

bool Decode(const Op& op, SessionSlideOp& out) {
  if (!ReadKey(op, out.key)) return false;
  ByteReader bytes(op.payload);
  out.seen = ReadTime(bytes);
  out.idle_ms = ReadTime(bytes);
  return Done(bytes);
}

void Add(WriteBatch& batch, const SessionMergeOp& op) {
  std::string payload;
  payload.reserve(kNumbersRoom + RoomOf(op.deleted) + RoomOf(op.meta) + RoomOf(op.fields));
  AppendVarint(payload, op.version);
  AppendWords(payload, op.deleted, 1);
  AppendWords(payload, op.meta, 2);
  AppendWords(payload, op.fields, 2);
  batch.Add(kOpSessionMerge, 0, op.key.ref(), payload);
}

bool Decode(const Op& op, SessionMergeOp& out, std::vector<std::string_view>& words) {
  if (!ReadKey(op, out.key)) return false;
  words.clear();
  ByteReader bytes(op.payload);
  out.version = ReadU32(bytes);
  const size_t deleted = ReadWords(bytes, 1, words);
  const size_t meta = ReadWords(bytes, 2, words);
  const size_t fields = ReadWords(bytes, 2, words);
  if (!Done(bytes)) return false;
  out.deleted = WordSpan(words).first(deleted);
  out.meta = WordSpan(words).subspan(deleted, meta);
  out.fields = WordSpan(words).subspan(deleted + meta, fields);
  return true;
}

void Add(WriteBatch& batch, const SessionEndOp& op) {
  std::string payload;
  AppendVarint(payload, static_cast<uint64_t>(op.reason));
  AppendTimes(payload, {op.tombstone_until});
  batch.Add(kOpSessionEnd, 0, op.key.ref(), payload);
}

bool Decode(const Op& op, SessionEndOp& out) {
  if (!ReadKey(op, out.key)) return false;
  ByteReader bytes(op.payload);
  out.reason = static_cast<SessionEnd>(ReadEnum(bytes, 2));  // an expiry is derived, never logged
  out.tombstone_until = ReadTime(bytes);
  return Done(bytes);
}

void Add(WriteBatch& batch, const SessionRotateOp& op) {
  std::string payload;
  payload += op.next.view();
  payload += op.nonce.view();
  AppendTimes(payload, {op.grace_until, op.tombstone_ms});
  AppendSized(payload, op.user);
  AppendTimes(payload, {op.seen, op.auth_at, op.abs_start, op.idle_ms, op.abs_ms, op.version});
  batch.Add(kOpSessionRotate, 0, op.key.ref(), payload);
}

bool Decode(const Op& op, SessionRotateOp& out) {
  if (!ReadKey(op, out.key)) return false;
  ByteReader bytes(op.payload);
  ReadFixed(bytes, out.next);
  ReadFixed(bytes, out.nonce);
  out.grace_until = ReadTime(bytes);
  out.tombstone_ms = ReadTime(bytes);
  out.user = bytes.Sized();
  out.seen = ReadTime(bytes);
  out.auth_at = ReadTime(bytes);
  out.abs_start = ReadTime(bytes);
  out.idle_ms = ReadTime(bytes);
  out.abs_ms = ReadTime(bytes);
  out.version = ReadU32(bytes);
  return Done(bytes) && out.next.slot() < kSlotCount;
}

void Add(WriteBatch& batch, const SessionMarkUserOp& op) {
  std::string payload;
  AppendSized(payload, op.ns);
  AppendSized(payload, op.has_except ? op.except.view() : std::string_view());
  AppendTimes(payload, {op.until, op.tombstone_until});
  batch.Add(kOpSessionMarkUser, 0, NameRef(op.user), payload);
}

bool Decode(const Op& op, SessionMarkUserOp& out) {
  ByteReader bytes(op.payload);
  out.user = op.key;
  out.ns = bytes.Sized();
  const std::string_view except = bytes.Sized();
  out.has_except = !except.empty();
  if (out.has_except && except.size() != SessionKey::kBytes) return false;
  if (out.has_except) out.except = SessionKey::FromBytes(except);
  out.until = ReadTime(bytes);
  out.tombstone_until = ReadTime(bytes);
  return Done(bytes);
}

void Add(WriteBatch& batch, const SessionTrimUserOp& op) {
  std::string payload;
  AppendSized(payload, op.ns);
  AppendTimes(payload, {op.seen});
  AppendVarint(payload, op.serial);
  AppendTimes(payload, {op.tombstone_until});
  batch.Add(kOpSessionTrimUser, 0, NameRef(op.user), payload);
}

bool Decode(const Op& op, SessionTrimUserOp& out) {
  ByteReader bytes(op.payload);
  out.user = op.key;
  out.ns = bytes.Sized();
  out.seen = ReadTime(bytes);
  out.serial = bytes.Varint();
  out.tombstone_until = ReadTime(bytes);
  return Done(bytes);
}

void Add(WriteBatch& batch, const SessionMarkNamespaceOp& op) {
  std::string payload;
  AppendTimes(payload, {op.tombstone_until});
  batch.Add(kOpSessionMarkNamespace, 0, NameRef(op.ns), payload);
}

bool Decode(const Op& op, SessionMarkNamespaceOp& out) {
  ByteReader bytes(op.payload);
  out.ns = op.key;
  out.tombstone_until = ReadTime(bytes);
  return Done(bytes);
}

void AppendPolicy(std::string& out, const SessionPolicy& policy) {
  AppendTimes(
      out, {policy.idle_ms, policy.abs_ms, policy.anon_idle_ms, policy.anon_abs_ms, policy.max,
            static_cast<TimeMs>(policy.on_limit), policy.grace_ms, policy.quantum_ms,
            policy.tombstone_ms, policy.max_bytes, static_cast<TimeMs>(policy.on_reuse),
            policy.strict_login ? 1 : 0, policy.ack_timeout_ms, static_cast<TimeMs>(policy.preset),
            static_cast<TimeMs>(policy.ack)});
}

bool ReadPolicy(std::string_view from, SessionPolicy& policy) {
  ByteReader bytes(from);
  policy.idle_ms = ReadTime(bytes);
  policy.abs_ms = ReadTime(bytes);
  policy.anon_idle_ms = ReadTime(bytes);
  policy.anon_abs_ms = ReadTime(bytes);
  policy.max = ReadU32(bytes);
  policy.on_limit = static_cast<OnLimit>(ReadEnum(bytes, 1));
  policy.grace_ms = ReadTime(bytes);
  policy.quantum_ms = ReadTime(bytes);
  policy.tombstone_ms = ReadTime(bytes);
  policy.max_bytes = ReadU32(bytes);
  policy.on_reuse = static_cast<OnReuse>(ReadEnum(bytes, 1));
  policy.strict_login = ReadEnum(bytes, 1) != 0;
  policy.ack_timeout_ms = ReadTime(bytes);
  policy.preset = static_cast<PolicyPreset>(ReadEnum(bytes, 3));
  policy.ack = static_cast<PolicyAck>(ReadEnum(bytes, 3));
  return Done(bytes);
}

void Add(WriteBatch& batch, const SessionPolicyOp& op) {
  std::string payload;
  AppendPolicy(payload, op.policy);
  batch.Add(kOpSessionPolicy, 0, NameRef(op.ns), payload);
}

bool Decode(const Op& op, SessionPolicyOp& out) {
  out.ns = op.key;
  return ReadPolicy(op.payload, out.policy);
}

}  // namespace cloakroom
