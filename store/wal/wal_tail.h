#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "store/base/result.h"
#include "store/env/disk.h"
#include "store/wal/wal_format.h"

namespace cloakroom {

/// Reads the records of a log that is being written, in order and without blocking: for whoever
/// needs what memory no longer holds. What is dropped while it is read stays readable as far as the
/// segment at hand.
class WalTail {
 public:
  /// Where a record lies: the segment's file, and the first record behind that segment; 0: it is
  /// the newest.
  struct Place {
    std::string path;
    uint64_t next_first = 0;
  };
  using Find = std::function<std::optional<Place>(uint64_t sequence)>;
  using Visit = std::function<void(const RecordHeader& header, std::string_view ops)>;
  using Done = std::function<void(Result<void> result)>;

  /// To begin with record `next`. `find` tells where a record lies, or that it is gone.
  WalTail(Disk& disk, const HistoryId& history, uint64_t next, Find find);
  ~WalTail();
  WalTail(const WalTail&) = delete;
  WalTail& operator=(const WalTail&) = delete;

  /// Hands some of the next records to `visit`, at least one and none behind `last`, then calls
  /// `done`; both on the loop and never from within this call, nor after it is destroyed. One at a
  /// time.
  ///   precondition  `last` is at least next(), and written
  ///   errors  kOutOfRange  the record is not in the log any more
  ///           kDamaged     what is there is not what was written
  ///           kIo
  void Read(uint64_t last, Visit visit, Done done);
  [[nodiscard]] uint64_t next() const { return next_; }

 private:
  void Open();
  void ReadPiece();
  void Took(Result<std::string> bytes);
  [[nodiscard]] Result<bool> Parse();
  void Tell(Result<void> result);
  template <typename Call>
  [[nodiscard]] auto WhileAlive(Call call) const;

  Disk& disk_;
  uint32_t salt_;
  uint64_t next_;
  Find find_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

  DiskFilePtr file_;
  Place place_;
  uint64_t offset_ = 0;  // of the file: where buffer_ begins
  std::string buffer_;   // from there on
  size_t piece_bytes_;   // to read at once

  uint64_t last_ = 0;
  Visit visit_;
  Done done_;
};

}  // namespace cloakroom
