#include "store/node/shard.h"

#include <algorithm>
#include <string>
#include <utility>

#include "store/base/check.h"
#include "store/base/planted.h"
#include "store/op/session_op.h"
#include "store/wal/group_commit.h"

namespace cloakroom {
namespace {

// Without writes and without deadlines, the log still tells the time this often.
constexpr TimeMs kIdleTimeMs = 1000;
// Room is kept so long for a command that waits for it and does not come back.
constexpr TimeMs kPromiseMs = 100;
// What an eviction logs, unless its key is large.
constexpr size_t kEndBytes = 256;
// A buffer that one huge EXEC made is not kept.
constexpr size_t kKeepBytesMax = 1 << 20;

uint64_t DrawSecret(Random& random) {
  uint64_t secret = 0;
  random.Fill(&secret, sizeof secret);
  return secret;
}

/// A planted bug, and nothing else.
bool LosesMark(std::string_view ops) {
  if (!Planted(Plant::kMarkNotLogged) || ops.empty()) return false;
  const auto kind = static_cast<OpKind>(ops.front());
  return kind == kOpSessionMarkUser || kind == kOpSessionMarkNamespace;
}

}  // namespace

struct Shard::Impl {
  Impl(Clock& given_clock, Random& random, const Options& options)
      : clock(given_clock),
        log(options.backlog_bytes_max),
        keys(options.databases, DrawSecret(random)),
        evictor(keys, budget, clock, random.Draw()) {}

  [[nodiscard]] RecordHeader NextHeader() const {
    return {
        .sequence = log.last() + 1, .epoch = epoch, .time_ms = time_held ? log.last_time() : now};
  }

  /// The one place where records come from on a primary.
  void Append(const RecordHeader& header, std::string_view ops) {
    log.Append(header, ops);
    if (journal != nullptr) journal->Append(header, LosesMark(ops) ? std::string_view() : ops);
    if (!ops.empty()) last_change = header.sequence;
  }

  void Measure() {
    if (now >= promised_until) budget.set_promised(0);
    budget.Measured(keys.Use());
  }

  Clock& clock;
  OpLog log;
  Keyspace keys;
  MemoryBudget budget;
  Evictor evictor;
  TimeMs promised_until = 0;
  uint64_t epoch = 1;
  TimeMs now = 0;
  // While the wall clock is behind, time goes on from here by the monotonic clock.
  TimeMs anchor_ms = 0;
  int64_t anchor_us = 0;
  GroupCommit* journal = nullptr;
  AckLevel promised = AckLevel::kMemory;
  std::string refused;  // why no write is accepted; empty: they are
  bool loading = false;
  bool disk_void = false;
  bool following = false;
  bool lacks_replicas = false;
  bool stale = false;
  std::function<void()> give_up_capture;  // of a replica's image; empty: none is being taken
  bool time_held = false;
  uint64_t last_change = 0;
  uint64_t changes = 0;
  bool open = false;
  std::string open_ops;  // of the open record: applied, not yet logged
};

Shard::Shard(Clock& clock, Random& random, const Options& options)
    : impl_(std::make_unique<Impl>(clock, random, options)) {
  BeginTurn();
}
Shard::~Shard() = default;

void Shard::BeginTurn() {
  Impl& impl = *impl_;
  CHECK(!impl.open);
  impl.evictor.BeginTurn();
  if (impl.budget.limited()) impl.Measure();
  const TimeMs wall = impl.clock.WallMs();
  const int64_t monotonic_us = impl.clock.MonotonicUs();
  const TimeMs running = impl.anchor_ms + (monotonic_us - impl.anchor_us) / 1000;
  const TimeMs floor = std::max(impl.now, impl.log.last_time());
  if (wall < floor && running >= floor) {
    impl.now = running;
    return;  // the anchor stays, so that no part of a millisecond is lost from turn to turn
  }
  impl.now = std::max(wall, floor);
  impl.anchor_ms = impl.now;
  impl.anchor_us = monotonic_us;
}

TimeMs Shard::now() const { return impl_->now; }

uint64_t Shard::Commit(WriteBatch& batch) {
  Impl& impl = *impl_;
  if (batch.empty()) return impl.log.last() + (impl.open_ops.empty() ? 0 : 1);
  const RecordHeader header = impl.NextHeader();
  impl.changes += std::max<size_t>(batch.positions().size(), 1);
  if (impl.open)
    impl.open_ops.append(batch.bytes());
  else
    impl.Append(header, batch.bytes());
  impl.keys.Apply(header, batch.bytes(), batch.positions());
  batch.Clear();
  return header.sequence;
}

void Shard::OpenRecord() {
  CHECK(!impl_->open);
  impl_->open = true;
}

void Shard::CloseRecord() {
  Impl& impl = *impl_;
  CHECK(impl.open);
  impl.open = false;
  if (impl.open_ops.empty()) return;
  impl.Append(impl.NextHeader(), impl.open_ops);
  if (impl.open_ops.capacity() > kKeepBytesMax) std::string().swap(impl.open_ops);
  impl.open_ops.clear();
}

void Shard::SetMemoryOptions(const MemoryOptions& options) {
  Impl& impl = *impl_;
  impl.budget.set_limit(options.limit_bytes);
  impl.evictor.set_options(options.eviction);
  impl.keys.access_clock().set_options(options.access);
  Measure();
}

void Shard::SetOutsideBytes(size_t bytes) { impl_->budget.set_outside(bytes); }
MemoryBudget& Shard::budget() { return impl_->budget; }
Evictor& Shard::evictor() { return impl_->evictor; }

const MemoryBudget& Shard::Measure() {
  impl_->Measure();
  return impl_->budget;
}

bool Shard::MakeRoom() { return RunEvictor(0) != Evictor::Made::kNothing; }

Shard::Room Shard::Reserve(const WriteBatch& batch, size_t credit, size_t& reserved) {
  Impl& impl = *impl_;
  impl.Measure();
  if (impl.budget.Fits(batch.reach())) return Room::kYes;
  const size_t bytes = impl.keys.RoomFor(batch.bytes(), batch.positions());
  const size_t room = bytes - std::min(bytes, credit);
  if (room == 0 || room <= reserved || impl.budget.HasRoomFor(room)) return Room::kYes;
  // What could not fit into an empty shard is refused before it empties this one.
  if (room + impl.budget.outside() > impl.budget.limit()) return Room::kNo;
  const uint64_t before = impl.log.last() + impl.open_ops.size();
  const Evictor::Made made = EvictFor(room);
  reserved = made == Evictor::Made::kNothing ? 0 : room;
  if (made == Evictor::Made::kPart) return Room::kLater;
  // Even when there was too little to evict: what is gone was perhaps the command's own key, and
  // it wants less now.
  if (impl.log.last() + impl.open_ops.size() != before) return Room::kAgain;
  return made == Evictor::Made::kNothing ? Room::kNo : Room::kYes;
}

bool Shard::HasRoomFor(const WriteBatch& batch, size_t slack) {
  Impl& impl = *impl_;
  impl.Measure();
  return impl.budget.HasRoomFor(impl.keys.RoomFor(batch.bytes(), batch.positions()), slack);
}

bool Shard::GoesOnWaiting(size_t bytes) { return EvictFor(bytes) == Evictor::Made::kPart; }

Evictor::Made Shard::EvictFor(size_t bytes) {
  Impl& impl = *impl_;
  // Room that is kept for a command is for this one, or else this one waits no longer than that.
  if (bytes >= impl.budget.promised()) impl.budget.set_promised(0);
  const Evictor::Made made = RunEvictor(bytes);
  if (made == Evictor::Made::kPart) {
    impl.budget.set_promised(bytes);
    impl.promised_until = impl.now + kPromiseMs;
  }
  return made;
}

Evictor::Made Shard::RunEvictor(size_t bytes) {
  return impl_->evictor.MakeRoom(
      bytes, impl_->now, [this] { return CanAccept(kEndBytes); },
      [this](WriteBatch& end) { Commit(end); });
}

bool Shard::Sweep(size_t budget) {
  Impl& impl = *impl_;
  const bool swept = SweepDead(budget);
  if (impl.following || impl.time_held) return swept;
  if (!impl.budget.limited() || !impl.budget.IsOver() || impl.evictor.IsStuck()) return swept;
  // Ends that the log cannot take would hold up every reply behind them.
  if (Refuses()) return swept;
  return !MakeRoom() || (swept && !impl.budget.IsOver());
}

bool Shard::SweepDead(size_t budget) {
  Impl& impl = *impl_;
  CHECK(!impl.open);
  // What is dead by the clock is freed only when it is dead by the log, here as on a replica.
  const bool by_own = Planted(Plant::kOwnClockExpires) && impl.following;
  if (!impl.keys.Sweep(by_own ? impl.now : impl.log.last_time(), budget)) return false;
  if (impl.following || impl.time_held) return true;
  const TimeMs logged = impl.log.last_time();
  const TimeMs due = impl.keys.NextDue();
  const bool passed = due != kNoDeadline && due <= impl.now && logged < impl.now;
  const bool idle = impl.log.last() > 0 && impl.now - logged >= kIdleTimeMs;
  if (!passed && !idle) return true;
  impl.Append(impl.NextHeader(), {});
  return impl.keys.Sweep(impl.now, budget);
}

void Shard::EndDue(size_t budget) {
  Impl& impl = *impl_;
  CHECK(!impl.open);
  const TimeMs due = impl.keys.NextDue();
  if (impl.following || impl.time_held || due == kNoDeadline || due > impl.now) return;
  if (impl.log.last_time() < impl.now) impl.Append(impl.NextHeader(), {});
  (void)impl.keys.Sweep(impl.now, budget);
}

Keyspace& Shard::keys() { return impl_->keys; }
const Keyspace& Shard::keys() const { return impl_->keys; }
OpLog& Shard::log() { return impl_->log; }

// The log on disk

void Shard::Replay(const RecordHeader& header, std::string_view ops) {
  Impl& impl = *impl_;
  CHECK(!impl.open && header.epoch >= impl.epoch);
  impl.epoch = header.epoch;
  impl.log.Append(header, ops);
  if (!ops.empty()) impl.last_change = header.sequence;
  impl.keys.Apply(header, ops);
}

void Shard::Continue(const RecordHeader& newest) {
  Impl& impl = *impl_;
  CHECK(!impl.open && newest.epoch >= impl.epoch);
  impl.epoch = newest.epoch;
  impl.log.Continue(newest);
  impl.last_change = newest.sequence;
}

void Shard::Follow(const RecordHeader& header, std::string_view ops) {
  Impl& impl = *impl_;
  CHECK(impl.following && !impl.open && header.epoch >= impl.epoch);
  impl.epoch = header.epoch;
  impl.changes += ops.empty() ? 0 : 1;
  impl.Append(header, ops);
  impl.keys.Apply(header, ops);
}

void Shard::set_following(bool following) { impl_->following = following; }
bool Shard::following() const { return impl_->following; }

void Shard::set_lacks_replicas(bool lacks) { impl_->lacks_replicas = lacks; }
bool Shard::lacks_replicas() const { return impl_->lacks_replicas; }
void Shard::set_stale(bool stale) { impl_->stale = stale; }
bool Shard::stale() const { return impl_->stale; }

bool Shard::guarded() const { return impl_->following || impl_->lacks_replicas || impl_->stale; }

void Shard::BeginEpoch(uint64_t epoch) {
  Impl& impl = *impl_;
  CHECK(!impl.following && !impl.open && epoch > impl.epoch);
  impl.epoch = epoch;
  impl.Append(impl.NextHeader(), {});
}

void Shard::Restart(const RecordHeader& newest) {
  Impl& impl = *impl_;
  CHECK(!impl.open && impl.journal == nullptr);
  impl.epoch = newest.epoch;
  impl.log.Restart(newest);
  impl.last_change = newest.sequence;
}

void Shard::SetFeedCapture(std::function<void()> give_up) {
  impl_->give_up_capture = std::move(give_up);
}
bool Shard::feed_captures() const { return impl_->give_up_capture != nullptr; }
void Shard::GiveUpFeedCapture() {
  if (impl_->give_up_capture) std::exchange(impl_->give_up_capture, nullptr)();
}

RecordHeader Shard::newest() const {
  return {impl_->log.last(), impl_->epoch, impl_->log.last_time()};
}

void Shard::SetJournal(GroupCommit* journal, AckLevel promised) {
  CHECK(!impl_->open && (journal != nullptr || promised == AckLevel::kMemory));
  impl_->journal = journal;
  impl_->promised = promised;
}

void Shard::set_promised(AckLevel promised) {
  CHECK(impl_->journal != nullptr || promised == AckLevel::kMemory);
  impl_->promised = promised;
}

AckLevel Shard::promised() const { return impl_->promised; }
bool Shard::has_journal() const { return impl_->journal != nullptr; }

void Shard::EndTurn() {
  if (impl_->journal != nullptr) impl_->journal->EndTurn();
}

void Shard::NeedDisk(uint64_t sequence) {
  if (impl_->journal != nullptr) impl_->journal->NeedDisk(sequence);
}

bool Shard::Refuses() const {
  return !impl_->refused.empty() ||
         (impl_->journal != nullptr && !impl_->journal->refusal().empty());
}

bool Shard::CanAccept(uint64_t bytes) const {
  return impl_->refused.empty() && (impl_->journal == nullptr || impl_->journal->CanAccept(bytes));
}

bool Shard::HasLogRoom(uint64_t bytes) const {
  const Impl& impl = *impl_;
  return impl.journal == nullptr ||
         impl.journal->HasRoom(bytes + impl.open_ops.size(), /*kept=*/!impl.open);
}

LogRoom Shard::MakeLogRoom(uint64_t bytes) {
  return impl_->journal == nullptr ? LogRoom::kYes : impl_->journal->MakeRoom(bytes);
}

std::string Shard::refusal() const {
  if (!impl_->refused.empty() || impl_->journal == nullptr) return impl_->refused;
  return "Errors writing to the AOF file: " + impl_->journal->refusal();
}

std::string Shard::log_denial() const {
  const std::string reason = impl_->journal == nullptr ? "" : impl_->journal->denied_reason();
  return "Errors writing to the AOF file: " + (reason.empty() ? "it is short of space" : reason);
}

void Shard::RefuseWrites(std::string reason) { impl_->refused = std::move(reason); }
void Shard::set_loading(bool loading) { impl_->loading = loading; }
bool Shard::loading() const { return impl_->loading; }
void Shard::set_disk_void(bool is_void) { impl_->disk_void = is_void; }
void Shard::set_time_held(bool held) { impl_->time_held = held; }
bool Shard::time_held() const { return impl_->time_held; }

bool Shard::Congested() const { return impl_->journal != nullptr && impl_->journal->Congested(); }

uint64_t Shard::last_change() const {
  return impl_->open_ops.empty() ? impl_->last_change : impl_->log.last() + 1;
}
uint64_t Shard::changes() const { return impl_->changes; }

uint64_t Shard::Reached(AckLevel level) const {
  if (level == AckLevel::kMemory) return impl_->log.last();
  const bool none =
      impl_->journal == nullptr || (impl_->disk_void && !Planted(Plant::kVoidDiskCounts));
  return none ? 0 : impl_->journal->Reached(level);
}

}  // namespace cloakroom
