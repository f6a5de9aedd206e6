#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/base/result.h"
#include "store/image/rdb_cursor.h"
#include "store/image/rdb_format.h"
#include "store/image/rdb_sink.h"
#include "store/image/rdb_skip.h"
#include "store/image/rdb_value.h"

namespace cloakroom {

/// Reads a dump file of Redis 2.4 to 8 or Valkey from bytes that come in pieces of any size, and
/// tells a sink what is in it. It holds no more than the largest string of the file; a plain hash
/// or set passes through by parts. Nothing about the bytes is believed: sizes count only as far as
/// bytes are there.
///
///   RdbReader reader(sink);
///   while (more) TRY(const size_t taken, reader.Feed(bytes));
///   TRY_VOID(reader.Finish());
class RdbReader {
 public:
  explicit RdbReader(RdbSink& sink) : sink_(sink), value_(sink) {}
  RdbReader(const RdbReader&) = delete;
  RdbReader& operator=(const RdbReader&) = delete;

  /// Takes the next bytes. Returns how many belong to the file: fewer than given only when it ends
  /// among them (what follows is somebody else's). O(bytes), however small the pieces.
  ///   errors  kInvalid      malformed: "offset 17: expected ..."
  ///           kUnavailable  of a version, or with contents, that we cannot read
  ///           the sink's. After an error the reader gives that error for good.
  [[nodiscard]] Result<size_t> Feed(std::string_view bytes);

  /// No more bytes come.
  ///   errors  kInvalid  the file is not whole: where it stops, and what was expected there
  [[nodiscard]] Result<void> Finish();

  /// The file ended, and its checksum, if it has one, is right.
  [[nodiscard]] bool done() const { return stage_ == Stage::kDone; }

  struct Counters {
    uint64_t bytes = 0;
    uint64_t keys = 0;         // strings, hashes and sets that the sink was told of
    uint64_t other_keys = 0;   // of types that we do not have
    uint64_t empty_keys = 0;   // passed over silently: old servers could save some
    uint64_t functions = 0;    // libraries, passed over
    uint64_t module_data = 0;  // of modules beside the keys, passed over
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }
  /// The version in the file's first bytes; 0 before they came.
  [[nodiscard]] uint16_t version() const { return version_; }
  [[nodiscard]] RdbDialect dialect() const { return dialect_; }

 private:
  enum class Stage : uint8_t { kHeader, kItem, kValue, kOther, kModuleAux, kChecksum, kDone };

  [[nodiscard]] Result<void> Advance();
  [[nodiscard]] Result<void> Unit(RdbCursor& cursor);
  [[nodiscard]] Result<void> Header(RdbCursor& cursor);
  [[nodiscard]] Result<void> Item(RdbCursor& cursor);
  [[nodiscard]] Result<void> Opcode(RdbOpcode opcode, RdbCursor& cursor);
  [[nodiscard]] Result<void> Attribute(RdbOpcode opcode, RdbCursor& cursor);
  [[nodiscard]] Result<void> Aux(RdbCursor& cursor);
  [[nodiscard]] Result<void> Key(uint8_t number, RdbCursor& cursor);
  void SlotImport(RdbCursor& cursor) const;
  void Checksum(RdbCursor& cursor);
  void EndKey();
  [[nodiscard]] std::string_view Expected() const;

  RdbSink& sink_;
  RdbValueReader value_;
  RdbSkipper skipper_;
  Stage stage_ = Stage::kHeader;
  uint16_t version_ = 0;
  RdbDialect dialect_ = RdbDialect::kRedis;

  std::string buffer_;  // bytes that were fed; those before at_ are done with
  size_t at_ = 0;
  uint64_t offset_ = 0;    // of buffer_[at_] in the file
  uint64_t needed_ = 1;    // bytes from at_ on without which there is no use in trying
  uint64_t checksum_ = 0;  // of what came before at_
  std::optional<Error> failed_;

  RdbKey key_;  // what is known of the next key, or of that whose value comes
  std::string key_bytes_;
  std::string decoded_[2];
  Counters counters_;
};

}  // namespace cloakroom
