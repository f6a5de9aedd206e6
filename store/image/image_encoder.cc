#include "store/image/image_encoder.h"

#include <utility>

#include "store/base/check.h"
#include "store/base/coding.h"
#include "store/op/session_op.h"
#include "store/table/session_shape.h"

namespace cloakroom {
namespace {

constexpr size_t kBlockBytes = 64 << 10;  // items from which a block is cut

}  // namespace

ImageEncoder::ImageEncoder(const ImageHeader& header, int zstd_level)
    : time_(header.time_ms), out_(EncodeImageHeader(header)) {
  salt_ = ImageSalt(out_);
  if (zstd_level != 0) packer_.emplace(zstd_level);
}

std::string ImageEncoder::Take() { return std::exchange(out_, {}); }

void ImageEncoder::EndItem() {
  if (items_.size() >= kBlockBytes) CutBlock();
}

void ImageEncoder::CutBlock() {
  ImageBlock block;
  block.raw_bytes = static_cast<uint32_t>(items_.size());
  block.number = blocks_++;
  const bool packed = packer_ && items_.size() <= kZstdRawMax && packer_->Pack(items_, packed_);
  block.form = packed ? BlockForm::kZstd : BlockForm::kStored;
  AppendBlock(out_, salt_, block, packed ? packed_ : items_);
  end_.raw_bytes += items_.size();
  if (items_.size() > 2 * kBlockBytes)
    items_ = {};
  else
    items_.clear();
}

void ImageEncoder::Finish() {
  if (!items_.empty()) CutBlock();
  ImageBlock block;
  block.number = blocks_;
  block.form = BlockForm::kEnd;
  AppendBlock(out_, salt_, block, EncodeEnd(end_));
}

/// As what is left of it: short.
void ImageEncoder::Deadline(TimeMs deadline) {
  DCHECK(deadline > time_);
  Number(static_cast<uint64_t>(deadline - time_));
}

void ImageEncoder::OnSerial(uint64_t serial) {
  Begin(ItemKind::kSerial);
  Number(serial);
}

void ImageEncoder::OnNamespace(uint32_t id, std::string_view name, const SessionPolicy* policy) {
  Begin(ItemKind::kNamespace);
  Number(id);
  AppendSized(items_, name);
  std::string bytes;
  if (policy != nullptr) AppendPolicy(bytes, *policy);
  AppendSized(items_, bytes);
  EndItem();
}

void ImageEncoder::AppendShape(const CapturedSession& session) {
  const SessionView& view = session.view;
  Number(view.ns);
  Number(static_cast<uint64_t>(view.idle_ms));
  Number(static_cast<uint64_t>(view.abs_ms));
  Number(view.meta_count);
  Number(view.field_count);
  const char* at = view.names;
  for (uint64_t left = uint64_t{view.meta_count} + view.field_count; left > 0; --left)
    AppendSized(items_, session.names.Read(at));
}

uint64_t ImageEncoder::ShapeOf(const CapturedSession& session) {
  const uint64_t number = session.view.shape_number;
  if (number == newest_shape_.first) return newest_shape_.second;
  const auto [it, fresh] = shapes_.try_emplace(number, shapes_.size() + 1);
  newest_shape_ = *it;
  if (fresh) {
    Begin(ItemKind::kShape);
    AppendShape(session);
  }
  return it->second;
}

void ImageEncoder::OnSession(const CapturedSession& session) {
  const SessionView& view = session.view;
  const bool lone = view.shape == 0;
  const uint64_t shape = lone ? 0 : ShapeOf(session);
  Begin(lone ? ItemKind::kLoneSession : ItemKind::kSession);
  if (lone)
    AppendShape(session);
  else
    Number(shape);
  items_ += view.key;
  items_ += session.value[0];
  Deadline(session.deadline);
  // Behind flags and shape the value stands as it is, without a description.
  std::string_view body = session.value.substr(1 + VarintBytes(view.shape));
  std::string_view rest;
  if (lone) {
    const size_t before = static_cast<size_t>(view.user.end() - body.data());
    const size_t size = view.description.size();
    rest = body.substr(before + VarintBytes(size) + size);
    body = body.substr(0, before);
  }
  Number(body.size() + rest.size());
  items_ += body;
  items_ += rest;
  if (!session.spent.empty()) items_ += static_cast<char>(session.spent.size());
  for (const SpentToken& spent : session.spent) {
    items_ += spent.nonce.view();
    Number(static_cast<uint64_t>(spent.grace_until));
    Number(static_cast<uint64_t>(spent.rotated_at));
  }
  ++end_.entries;
  EndItem();
}

void ImageEncoder::OnTombstone(const SessionKey& key, TimeMs until) {
  Begin(ItemKind::kTombstone);
  items_ += key.view();
  Deadline(until);
  ++end_.entries;
  EndItem();
}

void ImageEncoder::OnUserMark(uint32_t ns, std::string_view user, TimeMs at, TimeMs until) {
  Begin(ItemKind::kUserMark);
  Number(ns);
  AppendSized(items_, user);
  Number(static_cast<uint64_t>(at));
  Deadline(until);
  ++end_.entries;
  EndItem();
}

void ImageEncoder::AppendHead(uint32_t db, std::string_view key, ValueType type, Encoding encoding,
                              TimeMs deadline) {
  items_ += static_cast<char>(static_cast<uint8_t>(type) | static_cast<uint8_t>(encoding) << 4);
  Number(db);
  if (deadline == kNoDeadline)
    Number(0);
  else
    Deadline(deadline);
  AppendSized(items_, key);
  ++end_.entries;
}

void ImageEncoder::OnEntry(uint32_t db, const Entry& entry) {
  Begin(ItemKind::kEntry);
  AppendHead(db, entry.key(), entry.type(), entry.encoding(), entry.deadline());
  AppendSized(items_, entry.value());
  EndItem();
}

void ImageEncoder::OnLarge(const LargeEntry& entry) {
  Begin(ItemKind::kLarge);
  AppendHead(entry.db, entry.key, entry.type, entry.encoding, entry.deadline);
  Number(entry.size);
  EndItem();
}

void ImageEncoder::OnBytes(uint64_t number, std::string_view bytes) {
  Begin(ItemKind::kBytes);
  Number(number);
  AppendSized(items_, bytes);
  EndItem();
}

void ImageEncoder::OnField(uint64_t number, std::string_view name, std::string_view value) {
  Begin(ItemKind::kField);
  Number(number);
  AppendSized(items_, name);
  AppendSized(items_, value);
  EndItem();
}

void ImageEncoder::OnMember(uint64_t number, std::string_view member) {
  Begin(ItemKind::kMember);
  Number(number);
  AppendSized(items_, member);
  EndItem();
}

}  // namespace cloakroom
