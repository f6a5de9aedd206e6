#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "store/image/image_format.h"
#include "store/image/zstd_pack.h"
#include "store/table/capture_sink.h"

namespace cloakroom {

/// Writes down what a KeyspaceCapture hands out: the bytes of an image, block by block.
class ImageEncoder final : public CaptureSink {
 public:
  /// `zstd_level` 0: blocks are not packed.
  ImageEncoder(const ImageHeader& header, int zstd_level);

  /// All was handed out: the last block, and the end.
  void Finish();

  /// Takes the blocks that are whole.
  [[nodiscard]] std::string Take();
  [[nodiscard]] size_t pending_bytes() const { return out_.size(); }
  [[nodiscard]] size_t memory_bytes() const {
    return out_.capacity() + items_.capacity() + packed_.capacity();
  }
  /// Sessions, tombstones, marks and keys so far.
  [[nodiscard]] uint64_t entries() const { return end_.entries; }

  void OnSerial(uint64_t serial) override;
  void OnNamespace(uint32_t id, std::string_view name, const SessionPolicy* policy) override;
  void OnSession(const CapturedSession& session) override;
  void OnTombstone(const SessionKey& key, TimeMs until) override;
  void OnUserMark(uint32_t ns, std::string_view user, TimeMs at, TimeMs until) override;
  void OnEntry(uint32_t db, const Entry& entry) override;
  void OnLarge(const LargeEntry& entry) override;
  void OnBytes(uint64_t number, std::string_view bytes) override;
  void OnField(uint64_t number, std::string_view name, std::string_view value) override;
  void OnMember(uint64_t number, std::string_view member) override;

 private:
  void Begin(ItemKind kind) { items_ += static_cast<char>(kind); }
  void EndItem();
  void CutBlock();
  void Number(uint64_t value) { AppendVarint(items_, value); }
  void Deadline(TimeMs deadline);
  void AppendShape(const CapturedSession& session);
  [[nodiscard]] uint64_t ShapeOf(const CapturedSession& session);
  void AppendHead(uint32_t db, std::string_view key, ValueType type, Encoding encoding,
                  TimeMs deadline);

  const TimeMs time_;
  uint32_t salt_;
  std::optional<ZstdPacker> packer_;
  std::string out_;
  std::string items_;   // of the block that is being filled
  std::string packed_;  // kept for its memory
  uint32_t blocks_ = 0;
  ImageEnd end_;
  std::unordered_map<uint64_t, uint64_t> shapes_;  // numbers in the image by SessionShape::number
  std::pair<uint64_t, uint64_t> newest_shape_;     // one of them
};

}  // namespace cloakroom
