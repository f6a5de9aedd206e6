#include "store/wal/wal_tail.h"

#include <algorithm>
#include <utility>

#include "store/base/check.h"
#include "store/base/planted.h"

namespace cloakroom {
namespace {

constexpr size_t kPieceBytes = size_t{256} << 10;

}  // namespace

WalTail::WalTail(Disk& disk, const HistoryId& history, uint64_t next, Find find)
    : disk_(disk),
      salt_(WalSalt(history)),
      next_(next),
      find_(std::move(find)),
      piece_bytes_(kPieceBytes) {}
WalTail::~WalTail() = default;

template <typename Call>
auto WalTail::WhileAlive(Call call) const {
  return [alive = std::weak_ptr<bool>(alive_), call = std::move(call)](auto&&... args) mutable {
    if (!alive.expired()) call(std::forward<decltype(args)>(args)...);
  };
}

void WalTail::Read(uint64_t last, Visit visit, Done done) {
  CHECK(!done_ && last >= next_);
  last_ = last;
  visit_ = std::move(visit);
  done_ = std::move(done);
  if (file_ != nullptr && (place_.next_first == 0 || next_ < place_.next_first))
    ReadPiece();
  else
    Open();
}

void WalTail::Open() {
  file_.reset();
  buffer_.clear();
  offset_ = kWalHeaderBytes;
  const std::optional<Place> place = find_(next_);
  place_ = place.value_or(Place());
  // Without a place there is no such file, and that is told later, as all else is.
  disk_.Open(
      place_.path, Disk::Mode::kRead, WhileAlive([this](Result<DiskFilePtr> file) {
        if (!file)
          return Tell(Fail(Code::kOutOfRange, "record {} is not in the log any more", next_));
        file_ = *std::move(file);
        ReadPiece();
      }));
}

void WalTail::ReadPiece() {
  // It may have become an older one meanwhile, in which the record is not.
  if (const std::optional<Place> place = find_(next_)) {
    if (place->path != place_.path) return Open();
    place_.next_first = place->next_first;
  }
  file_->Read(offset_ + buffer_.size(), piece_bytes_,
              WhileAlive([this](Result<std::string> bytes) { Took(std::move(bytes)); }));
}

void WalTail::Took(Result<std::string> bytes) {
  if (!bytes) return Tell(tl::unexpected(std::move(bytes).error()));
  buffer_ += *bytes;
  const Result<bool> some = Parse();
  if (!some) return Tell(tl::unexpected(some.error()));
  if (*some) return Tell({});
  if (place_.next_first != 0 && next_ >= place_.next_first) return Open();
  if (bytes->empty())
    return Tell(Fail(Code::kDamaged, "{} ends before record {}", place_.path, next_));
  ReadPiece();
}

/// Hands out what is whole. False: no record was.
Result<bool> WalTail::Parse() {
  bool some = false;
  size_t at = 0;
  piece_bytes_ = kPieceBytes;
  // Behind the last record of an older segment may lie space that was reserved in vain.
  while (next_ <= last_ && (place_.next_first == 0 || next_ < place_.next_first ||
                            Planted(Plant::kReservedIsDamage))) {
    const std::string_view left = std::string_view(buffer_).substr(at);
    if (left.size() < kWalFrameBytes) break;
    const WalFrame frame = DecodeWalFrame(left);
    const uint64_t size = kWalFrameBytes + frame.size_bytes;
    if (left.size() < size) {
      piece_bytes_ = std::max<uint64_t>(kPieceBytes, std::min<uint64_t>(size, uint64_t{1} << 30));
      break;
    }
    const std::string_view whole = left.substr(0, size);
    if (!WalFrameHolds(whole, salt_) || (!frame.mark && frame.header.sequence > next_))
      return Fail(Code::kDamaged, "{} at offset {}: this is not record {}", place_.path,
                  offset_ + at, next_);
    at += size;
    if (frame.mark || frame.header.sequence < next_) continue;
    ++next_;
    some = true;
    visit_(frame.header, whole.substr(kWalFrameBytes));
  }
  // Behind `last_` may lie zeros in the place of what is written by now.
  buffer_.erase(0, next_ > last_ ? buffer_.npos : at);
  offset_ += at;
  return some;
}

/// Whoever is told may ask for more at once, or destroy us.
void WalTail::Tell(Result<void> result) {
  if (!result) file_.reset();
  visit_ = nullptr;
  std::exchange(done_, nullptr)(std::move(result));
}

}  // namespace cloakroom
