#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/image/rdb_cursor.h"
#include "store/image/rdb_format.h"
#include "store/image/rdb_sink.h"

namespace cloakroom {

/// Gathers words and hands them on by parts, so that a sink is not called for each, and a large
/// collection is never held whole.
class RdbParts {
 public:
  explicit RdbParts(RdbSink& sink) : sink_(sink) {}

  /// The words of one element: a member, or a field and its value.
  [[nodiscard]] Result<void> Add(std::string_view word);
  [[nodiscard]] Result<void> Add(std::string_view field, std::string_view value);
  [[nodiscard]] Result<void> Flush();

 private:
  static constexpr size_t kWordsMax = 512;
  static constexpr size_t kBytesMax = 64 * 1024;

  void Hold(std::string_view word);
  [[nodiscard]] Result<void> FlushFull();

  RdbSink& sink_;
  std::string bytes_;
  std::vector<size_t> ends_;  // of each word in bytes_
  std::vector<std::string_view> words_;
};

/// Reads the value of a string, hash or set, a unit at a time, so that it may arrive in pieces.
class RdbValueReader {
 public:
  explicit RdbValueReader(RdbSink& sink) : sink_(sink), parts_(sink) {}

  /// A value of `type` begins. `key` and what it views must outlive it.
  void Start(const RdbType& type, const RdbKey& key);

  /// Reads the next unit (a count, an element, or what is packed in one string) and says whether
  /// that was the last. When the cursor is not ok afterwards, nothing was read.
  ///   errors  the sink's, and kInvalid for what is malformed within a packed form
  [[nodiscard]] Result<bool> Next(RdbCursor& cursor);
  /// Whether the value that was read had no elements. The sink was told nothing of it.
  [[nodiscard]] bool empty() const { return !begun_; }

 private:
  [[nodiscard]] Result<bool> String(RdbCursor& cursor);
  [[nodiscard]] Result<bool> Counted(RdbCursor& cursor);
  [[nodiscard]] Result<void> Element(RdbCursor& cursor);
  [[nodiscard]] Result<bool> Packed(RdbCursor& cursor);
  [[nodiscard]] tl::unexpected<Error> Malformed(std::string_view what) const;
  [[nodiscard]] Result<void> PackedElement(std::string_view element);
  [[nodiscard]] Result<void> EmitField(std::string_view field, std::string_view value,
                                       TimeMs deadline);
  [[nodiscard]] Result<void> Begin();
  [[nodiscard]] Result<void> End();

  RdbSink& sink_;
  RdbParts parts_;
  RdbLayout layout_ = RdbLayout::kString;
  const RdbKey* key_ = nullptr;
  bool begun_ = false;
  std::optional<uint64_t> left_;  // elements still to come, once the count is known
  int64_t first_deadline_ = 0;    // kPairsTimes
  std::string decoded_[2];
  uint64_t packed_at_ = 0;  // where the packed form stands
  // What came of an element of it: the field, then the value.
  size_t held_ = 0;
  std::string field_;
  std::string value_;
};

}  // namespace cloakroom
