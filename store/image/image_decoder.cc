#include "store/image/image_decoder.h"

#include <limits>

#include "store/op/session_op.h"

namespace cloakroom {
namespace {

auto NotWellFormed() { return Fail(Code::kDamaged, "an item is not well formed"); }

}  // namespace

Result<void> ImageDecoder::Decode(std::string_view items) {
  in_ = ByteReader(items);
  while (in_.left() > 0) {
    const auto kind = static_cast<ItemKind>(in_.Int<uint8_t>());
    const Result<void> read = Item(kind);
    if (read) [[likely]]
      continue;
    return Fail(read.error().code, "item of kind {}: {}", static_cast<int>(kind),
                read.error().message);
  }
  return {};
}

Result<void> ImageDecoder::Finish() const {
  return loader_ == nullptr ? Result<void>() : loader_->Finish();
}

Result<void> ImageDecoder::Item(ItemKind kind) {
  switch (kind) {
    case ItemKind::kSession:
      return Session(false);
    case ItemKind::kLoneSession:
      return Session(true);
    case ItemKind::kEntry:
      return Entry(false);
    case ItemKind::kLarge:
      return Entry(true);
    case ItemKind::kTombstone:
      return Tombstone();
    case ItemKind::kUserMark:
      return UserMark();
    case ItemKind::kBytes:
    case ItemKind::kField:
    case ItemKind::kMember:
      return Part(kind);
    case ItemKind::kShape:
      return Shape();
    case ItemKind::kNamespace:
      return Namespace();
    case ItemKind::kSerial: {
      const uint64_t serial = in_.Varint();
      if (!in_.ok()) return NotWellFormed();
      if (loader_ != nullptr) loader_->sessions().SetSerial(serial);
      return {};
    }
  }
  return Fail(Code::kDamaged, "there is no such kind");
}

TimeMs ImageDecoder::Time() {
  const uint64_t time = in_.Varint();
  if (time > static_cast<uint64_t>(kDeadlineMax)) in_.Fail();
  return static_cast<TimeMs>(time);
}

TimeMs ImageDecoder::Deadline() {
  const TimeMs left = Time();
  if (left == 0 || left > kDeadlineMax - time_) in_.Fail();
  return time_ + left;
}

uint32_t ImageDecoder::U32() {
  const uint64_t value = in_.Varint();
  if (value > std::numeric_limits<uint32_t>::max()) in_.Fail();
  return static_cast<uint32_t>(value);
}

Result<void> ImageDecoder::Namespace() {
  const uint32_t id = U32();
  const std::string_view name = in_.Sized();
  const std::string_view bytes = in_.Sized();
  SessionPolicy policy;
  if (!in_.ok() || (!bytes.empty() && !ReadPolicy(bytes, policy))) return NotWellFormed();
  if (loader_ == nullptr) return {};
  return loader_->sessions().AddNamespace(id, name, bytes.empty() ? nullptr : &policy);
}

Result<void> ImageDecoder::Shape() {
  SessionLoader::Shape shape;
  shape.ns = U32();
  shape.idle_ms = in_.Varint();
  shape.abs_ms = in_.Varint();
  shape.meta_count = U32();
  const uint64_t count = uint64_t{shape.meta_count} + U32();
  if (!in_.ok() || count > in_.left()) return NotWellFormed();
  names_.clear();
  for (uint64_t i = 0; i < count; ++i) names_.push_back(in_.Sized());
  if (!in_.ok()) return NotWellFormed();
  shape.names = names_;
  ++shapes_;
  if (loader_ == nullptr) return {};
  return loader_->sessions().AddShape(shape);
}

Result<void> ImageDecoder::Session(bool lone) {
  SessionLoader::Session session;
  if (lone) {
    TRY_VOID(Shape());
    session.shape = shapes_;
  } else {
    session.shape = in_.Varint();
  }
  const std::string_view key = in_.Bytes(SessionKey::kBytes);
  session.flags = in_.Int<uint8_t>();
  session.deadline = Deadline();
  session.body = in_.Sized();
  if ((session.flags & SessionView::kSpent) != 0) session.spent = SpentTokens();
  if (!in_.ok()) return NotWellFormed();
  session.key = SessionKey::FromBytes(key);
  ++entries_;
  if (session.deadline <= now_) ++expired_;
  if (loader_ != nullptr) TRY_VOID(loader_->sessions().Add(session));
  if (!lone) return {};
  --shapes_;
  if (loader_ != nullptr) loader_->sessions().DropShape();
  return {};
}

std::span<const SpentToken> ImageDecoder::SpentTokens() {
  const auto count = in_.Int<uint8_t>();
  if (count > spent_.size()) in_.Fail();
  for (size_t i = 0; i < count && in_.ok(); ++i) {
    const std::string_view nonce = in_.Bytes(SessionNonce::kBytes);
    if (in_.ok()) spent_[i].nonce = SessionNonce::FromBytes(nonce);
    spent_[i].grace_until = Time();
    spent_[i].rotated_at = Time();
  }
  return in_.ok() ? std::span(spent_).first(count) : std::span<const SpentToken>();
}

Result<void> ImageDecoder::Tombstone() {
  const std::string_view key = in_.Bytes(SessionKey::kBytes);
  const TimeMs until = Deadline();
  if (!in_.ok()) return NotWellFormed();
  ++entries_;
  if (loader_ == nullptr) return {};
  return loader_->sessions().AddTombstone(SessionKey::FromBytes(key), until);
}

Result<void> ImageDecoder::UserMark() {
  const uint32_t ns = U32();
  const std::string_view user = in_.Sized();
  const TimeMs at = Time();
  const TimeMs until = Deadline();
  if (!in_.ok()) return NotWellFormed();
  ++entries_;
  if (loader_ == nullptr) return {};
  return loader_->sessions().AddUserMark(ns, user, at, until);
}

Result<void> ImageDecoder::Entry(bool large) {
  const auto form = in_.Int<uint8_t>();
  const auto type = static_cast<ValueType>(form & 15);
  const auto encoding = static_cast<Encoding>(form >> 4);
  const uint32_t db = U32();
  const TimeMs left = Time();
  if (left > kDeadlineMax - time_) in_.Fail();
  const TimeMs deadline = left == 0 ? kNoDeadline : time_ + left;
  const std::string_view key = in_.Sized();
  const uint64_t size = large ? in_.Varint() : 0;
  const std::string_view value = large ? std::string_view() : in_.Sized();
  if (!in_.ok()) return NotWellFormed();
  ++entries_;
  if (deadline != kNoDeadline && deadline <= now_) ++expired_;
  if (loader_ == nullptr) return {};
  if (large) return loader_->Begin({0, db, key, type, encoding, deadline, size});
  return loader_->Add({db, key, type, encoding, deadline, value});
}

Result<void> ImageDecoder::Part(ItemKind kind) {
  const uint64_t number = in_.Varint();
  const std::string_view first = in_.Sized();
  const std::string_view value = kind == ItemKind::kField ? in_.Sized() : std::string_view();
  if (!in_.ok()) return NotWellFormed();
  if (loader_ == nullptr) return {};
  if (kind == ItemKind::kBytes) return loader_->AddBytes(number, first);
  if (kind == ItemKind::kField) return loader_->AddField(number, first, value);
  return loader_->AddMember(number, first);
}

}  // namespace cloakroom
