#include "store/wal/wal_writer.h"

#include <algorithm>
#include <utility>

#include "store/base/check.h"
#include "store/base/log.h"
#include "store/base/planted.h"

namespace cloakroom {
namespace {

// Space is reserved in growing steps up to this, so that a small log stays small.
constexpr uint64_t kStepBytesMax = uint64_t{32} << 20;

/// Syncs `file`, or in a test that wants to see it found, does not.
void SyncFile(DiskFile& file, DiskFile::Done done) {
  if (Planted(Plant::kSyncSkipped))
    file.Read(0, 0, [done = std::move(done)](const Result<std::string>& /*bytes*/) { done({}); });
  else
    file.Sync(std::move(done));
}

}  // namespace

/// A segment that is being made.
struct WalWriter::NewSegment {
  WalHeader header;
  std::string path;
  uint64_t end;  // of its first space
  DiskFilePtr file;
  Done done;
};

/// How far space is to be reserved.
struct WalWriter::Wish {
  uint64_t wanted;  // else the log is full
  uint64_t asked;   // beyond that, if it can be had
};

/// A sync of several files that is under way.
struct WalWriter::SyncRun {
  int left = 0;
  Result<void> result;
  bool older = false;
  bool names = false;
  Done done;
};

WalWriter::WalWriter(Disk& disk, Options options, std::function<void()> room_changed)
    : disk_(disk), options_(std::move(options)), room_changed_(std::move(room_changed)) {}
WalWriter::~WalWriter() = default;

template <typename Call>
auto WalWriter::WhileAlive(Call call) const {
  return [alive = std::weak_ptr<bool>(alive_), call = std::move(call)](auto&&... args) mutable {
    if (!alive.expired()) call(std::forward<decltype(args)>(args)...);
  };
}

std::string WalWriter::PathOf(uint64_t first) const {
  return options_.directory + "/" + WalSegmentName(first);
}

Result<void> WalWriter::StartNow(const WalEnd& end, uint64_t first) {
  for (const WalSegment& segment : end.segments) {
    if (segment.first >= first) continue;  // it holds no record, and its name is ours now
    segments_.push_back(
        {segment.path, segment.first, segment.size_bytes, segment.header.newest_time});
    older_bytes_ += segment.size_bytes;
  }
  const WalHeader header{.history = options_.history,
                         .first = first,
                         .synced = first - 1,
                         .newest_time = end.newest.time_ms};
  segments_.push_back({PathOf(first), first, 0, header.newest_time});
  TRY(newest_, disk_.OpenNow(segments_.back().path, Disk::Mode::kCreate));
  TRY_VOID(newest_->WriteNow(0, EncodeWalHeader(header)));
  TRY_VOID(newest_->SyncNow());
  TRY_VOID(disk_.SyncDirectoryNow(options_.directory));
  offset_ = allocated_ = kWalHeaderBytes;
  Reserve(0);
  return {};
}

// The write path

void WalWriter::Write(std::string batch, DiskFile::Then then, WriteDone done) {
  CHECK(!busy_ && (then == DiskFile::Then::kNothing || OnlyNewestUnsynced()));
  busy_ = true;
  if (Planted(Plant::kSyncSkipped)) then = DiskFile::Then::kNothing;
  newest_->Write(offset_, std::move(batch), then,
                 [this, done = std::move(done)](Result<void> result, std::string bytes) {
                   busy_ = false;
                   if (result) offset_ += bytes.size();
                   allocated_ = std::max(allocated_, offset_);
                   done(std::move(result), std::move(bytes));
                 });
}

bool WalWriter::WantsNextSegment() const {
  // What is reserved meanwhile would be reserved in vain.
  return offset_ >= options_.segment_bytes && OnlyNewestUnsynced() && !reserving_;
}

void WalWriter::NextSegment(uint64_t first, uint64_t synced, TimeMs newest_time, uint64_t bytes,
                            Done done) {
  CHECK(!busy_ && !reserving_ && OnlyNewestUnsynced());
  busy_ = true;
  making_ = std::make_unique<NewSegment>();
  making_->header = {
      .history = options_.history, .first = first, .synced = synced, .newest_time = newest_time};
  making_->path = PathOf(first);
  making_->end = kWalHeaderBytes + bytes + options_.reserve_bytes;
  making_->done = std::move(done);
  disk_.Open(making_->path, Disk::Mode::kCreate, WhileAlive([this](Result<DiskFilePtr> file) {
               if (!file) return EndMaking(tl::unexpected(std::move(file).error()));
               making_->file = *std::move(file);
               ReserveFirst();
             }));
}

void WalWriter::ReserveFirst() {
  if (!can_reserve_) return WriteHead();
  making_->file->Allocate(making_->end, [this](Result<void> result) {
    if (!result) return Abandon(std::move(result).error());
    WriteHead();
  });
}

void WalWriter::WriteHead() {
  making_->file->Write(0, EncodeWalHeader(making_->header), DiskFile::Then::kNothing,
                       [this](Result<void> result, const std::string& /*bytes*/) {
                         if (!result) return Abandon(std::move(result).error());
                         Adopt();
                       });
}

void WalWriter::Adopt() {
  older_ = std::exchange(newest_, std::move(making_->file));
  // Gives up what was reserved in vain. If it fails, some zeros stay.
  older_->Truncate(offset_, [](const Result<void>& /*result*/) {});
  segments_.back().bytes = offset_;
  older_bytes_ += offset_;
  const WalHeader& header = making_->header;
  segments_.push_back({making_->path, header.first, 0, header.newest_time});
  names_unsynced_ = true;
  offset_ = kWalHeaderBytes;
  allocated_ = can_reserve_ ? making_->end : offset_;
  EndMaking({});
}

void WalWriter::Abandon(Error error) {
  making_->file.reset();
  // Should it stay, it is empty, and the next recovery removes it.
  disk_.Remove(
      making_->path,
      WhileAlive([this, error = std::move(error)](const Result<void>& /*removed*/) mutable {
        EndMaking(tl::unexpected(std::move(error)));
      }));
}

void WalWriter::EndMaking(Result<void> result) {
  busy_ = false;
  const std::unique_ptr<NewSegment> made = std::move(making_);
  made->done(std::move(result));
}

void WalWriter::Sync(Done done) {
  auto run = std::make_shared<SyncRun>();
  run->older = older_ != nullptr;
  run->names = names_unsynced_;
  run->left = 1 + (run->older ? 1 : 0) + (run->names ? 1 : 0);
  run->done = std::move(done);
  const auto ended = [this, run](Result<void> result) {
    if (!result) run->result = std::move(result);
    if (--run->left > 0) return;
    // No other older one can have come meanwhile: for that this one must be durable.
    if (run->result && run->older) older_.reset();
    if (run->result && run->names) names_unsynced_ = false;
    run->done(std::move(run->result));
  };
  SyncFile(*newest_, ended);
  if (run->older) SyncFile(*older_, ended);
  if (!run->names) return;
  if (Planted(Plant::kDirectoryNotSynced))
    newest_->Read(0, 0, [ended](const Result<std::string>& /*bytes*/) { ended({}); });
  else
    disk_.SyncDirectory(options_.directory, WhileAlive(ended));
}

// Space

void WalWriter::Reserve(uint64_t ahead, uint64_t asked) {
  ahead_ = ahead;
  const uint64_t wanted = offset_ + ahead + options_.reserve_bytes;
  if (reserving_ || making_ || !can_reserve_ || allocated_ >= wanted + asked) return;
  // Not beyond what the segment will become, and in small steps while space is short.
  const uint64_t step = std::max(2 * options_.reserve_bytes, std::min(offset_, kStepBytesMax));
  const uint64_t generous = std::min(allocated_ + step, options_.segment_bytes);
  reserving_ = true;
  denied_ = 0;
  ReserveTo(full_ ? wanted + asked : std::max(wanted + asked, generous), {wanted, asked});
}

void WalWriter::ReserveTo(uint64_t end, const Wish& wish) {
  newest_->Allocate(end, [this, end, wish](Result<void> result) {
    if (!result && ReservesLess(end, wish, result.error())) return;
    reserving_ = false;
    // What stands ready already is enough, though what was asked for beyond it cannot be had.
    const bool stands = denied_ != 0 && allocated_ >= wish.wanted;
    full_ = !result && !stands && result.error().code != Code::kUnavailable;
    if (result) allocated_ = std::max(allocated_, end);
    if (full_) {
      full_reason_ = std::move(result).error().message;
    } else if (!result && !stands) {
      can_reserve_ = false;
      Log(LogLevel::kWarning, "{}. A full disk will be noticed only when it is written to.",
          result.error().message);
    }
    room_changed_();
  });
}

/// So much cannot be had. True: a smaller step is under way instead.
bool WalWriter::ReservesLess(uint64_t end, const Wish& wish, const Error& error) {
  if (error.code == Code::kUnavailable) return false;
  const uint64_t all = wish.wanted + wish.asked;
  const bool too_much = error.code == Code::kNoSpace || wish.asked != 0;
  if (too_much && end > all) {
    ReserveTo(all, wish);
    return true;
  }
  if (wish.asked == 0 || end < all) return false;
  denied_ = wish.asked;
  denied_reason_ = error.message;
  if (allocated_ >= wish.wanted) return false;
  ReserveTo(wish.wanted, wish);
  return true;
}

uint64_t WalWriter::RoomBytes() const {
  if (!can_reserve_) return UINT64_MAX - offset_;
  const uint64_t room = allocated_ - offset_;
  return making_ ? std::min(room, making_->end - kWalHeaderBytes) : room;
}

// Old segments

void WalWriter::set_keep(uint64_t keep_bytes, TimeMs keep_ms) {
  options_.keep_bytes = keep_bytes;
  options_.keep_ms = keep_ms;
}

void WalWriter::DropBefore(uint64_t sequence, TimeMs now) {
  const bool idle = removing_.empty();
  while (segments_.size() >= 2 + (older_ ? size_t{1} : size_t{0})) {
    const Segment& oldest = segments_.front();
    const Segment& next = segments_[1];
    if (next.first > sequence) break;
    if (bytes() - oldest.bytes < options_.keep_bytes) break;
    if (options_.keep_ms > 0 && next.time_before > now - options_.keep_ms) break;
    older_bytes_ -= oldest.bytes;
    removing_.push_back(oldest.path);
    segments_.pop_front();
  }
  if (idle && !removing_.empty()) Remove();
}

std::optional<WalTail::Place> WalWriter::Find(uint64_t sequence) const {
  for (size_t i = segments_.size(); i-- > 0;)
    if (segments_[i].first <= sequence)
      return WalTail::Place{segments_[i].path,
                            i + 1 < segments_.size() ? segments_[i + 1].first : 0};
  return std::nullopt;
}

/// One after the other, so that what is left after a power cut has no gap.
void WalWriter::Remove() {
  disk_.Remove(removing_.front(), WhileAlive([this](const Result<void>& result) {
                 if (!result) Log(LogLevel::kWarning, "{}", result.error().message);
                 removing_.pop_front();
                 if (full_) Reserve(ahead_);
                 if (!removing_.empty()) Remove();
               }));
}

}  // namespace cloakroom
