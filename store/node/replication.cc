#include "store/node/replication.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>
#include <vector>

#include "store/base/check.h"
#include "store/base/log.h"
#include "store/base/planted.h"
#include "store/env/disk_path.h"
#include "store/wal/wal_reader.h"

namespace cloakroom {
namespace {

constexpr int64_t kSliceUs = 300;  // of each direction, in a turn

std::string DrawNode(Random& random) {
  std::array<unsigned char, 20> id{};
  random.Fill(id.data(), id.size());
  std::string text;
  for (const unsigned char byte : id) fmt::format_to(std::back_inserter(text), "{:02x}", byte);
  return text;
}

}  // namespace

Replication::Replication(const Env& env, Shard& shard, Persistence* persistence, Options options)
    : env_(env),
      shard_(shard),
      persistence_(persistence),
      options_(std::move(options)),
      node_(DrawNode(env.random)),
      lineage_(Lineage::Of(Draw(), 1)),
      feeds_(env.clock, env.disk, shard, persistence, lineage_, node_,
             {.wake = [this] { events_.wake(); },
              .acknowledged = [this] { events_.acknowledged(); }}) {
  SetOptions(options_);
}
Replication::~Replication() = default;

void Replication::SetOptions(const Options& options) {
  options_ = options;
  feeds_.set_options({options.timeout_ms, options.heartbeat_ms, options.image_bytes_max});
  if (link_ != nullptr) link_->set_options({options.auth, options.timeout_ms});
  if (keeps_backlog_) KeepBacklog();
}

void Replication::KeepBacklog() {
  keeps_backlog_ = true;
  shard_.log().set_backlog_bytes_max(options_.backlog_bytes_max);
}

HistoryId Replication::Draw() const {
  HistoryId history{};
  env_.random.Fill(history.data(), history.size());
  return history;
}

/// Takes effect once it is safe.
Result<void> Replication::SetLineage(Lineage lineage) {
  if (env_.disk != nullptr && persistence_ != nullptr && !Planted(Plant::kLineageForgotten))
    TRY_VOID(SaveReplicationState(*env_.disk, persistence_->options().directory,
                                  {persistence_->history(), lineage}));
  lineage_ = std::move(lineage);
  return {};
}

Result<void> Replication::BeginHistory() {
  Lineage lineage = lineage_;
  const RecordHeader newest = shard_.newest();
  lineage.CutAfter(newest.sequence);
  lineage.Add({Draw(), std::max(newest.epoch, lineage.newest().epoch), newest.sequence + 1});
  return SetLineage(std::move(lineage));
}

Result<void> Replication::Start(const std::optional<PeerAddress>& primary) {
  const RecordHeader newest = shard_.newest();
  if (env_.disk != nullptr && persistence_ != nullptr) {
    TRY(const std::optional<ReplicationState> state,
        LoadReplicationState(*env_.disk, persistence_->options().directory));
    // The state may have come by another way since: from a backup, or from going back in time.
    lineage_ = state && state->log == persistence_->history()
                   ? state->lineage
                   : Lineage::Of(persistence_->history(), std::max<uint64_t>(newest.epoch, 1));
  }
  if (primary) {
    Follow(*primary);
    return {};
  }
  if (!Planted(Plant::kHistoryNotBegun)) TRY_VOID(BeginHistory());
  if (lineage_.newest().epoch > newest.epoch) shard_.BeginEpoch(lineage_.newest().epoch);
  return {};
}

void Replication::Follow(const PeerAddress& primary) {
  if (link_ != nullptr && link_->primary() == primary) return;
  feeds_.DropAll("this node follows another one now");
  KeepBacklog();  // for those who follow this node, now or once it is promoted
  shard_.set_following(true);
  link_ = std::make_unique<ReplicaLink>(
      ReplicaLink::Env{env_.clock, env_.scheduler, env_.network}, *this, primary,
      ReplicaLink::Options{options_.auth, options_.timeout_ms}, [this] { events_.wake(); });
}

/// What had come of an image is no state of anybody's: we begin empty.
Result<void> Replication::GiveUpSync() {
  if (!syncing_) return {};
  feeds_.DropAll("a full sync was given up");
  // Its connection puts what comes into this keyspace, and stays when the disk refuses.
  if (link_->session() != nullptr) link_->Disconnect("the full sync was given up");
  if (shard_.has_journal()) TRY_VOID(persistence_->BeginReplacing());
  shard_.keys().Reset();
  shard_.Restart({.sequence = 0, .epoch = shard_.newest().epoch, .time_ms = 0});
  shard_.set_loading(false);
  if (persistence_ != nullptr) TRY_VOID(persistence_->EndReplacing());
  lineage_ = Lineage::Of(Draw(), std::max<uint64_t>(shard_.newest().epoch, 1));
  syncing_ = false;
  Log(LogLevel::kWarning, "A full sync was given up: this node begins empty");
  return {};
}

Result<void> Replication::MakeOwnRecords() {
  TRY_VOID(GiveUpSync());
  feeds_.DropAll("the lineage has changed");
  return BeginHistory();
}

Result<void> Replication::Promote() {
  if (link_ == nullptr) return {};
  TRY_VOID(GiveUpSync());
  Lineage lineage = lineage_;
  const RecordHeader newest = shard_.newest();
  lineage.CutAfter(newest.sequence);
  const uint64_t epoch = std::max(newest.epoch, lineage.newest().epoch) + 1;
  if (!Planted(Plant::kPromotedInSilence)) lineage.Add({Draw(), epoch, newest.sequence + 1});
  TRY_VOID(SetLineage(std::move(lineage)));
  link_.reset();
  shard_.set_following(false);
  shard_.BeginTurn();
  shard_.BeginEpoch(epoch);
  feeds_.DropAll("this node was promoted");
  Log(LogLevel::kNotice, "Promoted: a primary in epoch {} from record {} on, history {}", epoch,
      newest.sequence + 1, HistoryText(lineage_.newest().history));
  return {};
}

void Replication::Adopt(StreamPtr stream, std::string_view received) {
  if (!keeps_backlog_) KeepBacklog();
  feeds_.Adopt(std::move(stream), received);
}

bool Replication::Step() {
  bool more = false;
  if (link_ != nullptr) {
    // What the disk has no place for waits with the primary.
    if (syncing_ || (shard_.HasLogRoom(0) && !shard_.Congested())) more = link_->Step(kSliceUs);
    if (!syncing_) shard_.EndTurn();
    const bool early = Planted(Plant::kAckBeforeApply) && link_->online();
    link_->Acknowledge({early ? link_->session()->primary_newest() : shard_.newest().sequence,
                        shard_.Reached(AckLevel::kDisk)});
  }
  return feeds_.Step(kSliceUs) || more;
}

void Replication::Housekeep() {
  if (link_ != nullptr) link_->Housekeep();
  feeds_.Housekeep();
}

void Replication::Stop() {
  link_.reset();
  feeds_.DropAll("this node stops");
}

// ReplicaTarget

Hello Replication::Greeting() const {
  return {.node = node_,
          .port = options_.port,
          .lineage = lineage_,
          .last = shard_.newest().sequence,
          .empty = syncing_};
}

Result<void> Replication::Continue(const Welcome& welcome) {
  Log(LogLevel::kNotice, "The primary goes on behind record {}", welcome.last);
  if (welcome.lineage == lineage_) return {};
  feeds_.DropAll("the lineage has changed");
  return SetLineage(welcome.lineage);
}

Result<Keyspace*> Replication::BeginFullSync(const Welcome& welcome) {
  Log(LogLevel::kNotice, "Full sync: the primary sends an image of record {}", welcome.last);
  feeds_.DropAll("a full sync begins");
  if (!syncing_) TellOfLoss(welcome);
  syncing_ = true;
  shard_.set_loading(true);
  if (persistence_ != nullptr) TRY_VOID(persistence_->BeginReplacing());
  shard_.keys().Reset();
  return &shard_.keys();
}

Result<void> Replication::EndFullSync(const Welcome& welcome, const ImageHeader& header,
                                      uint64_t entries) {
  // Those who came meanwhile were greeted with what was here before.
  if (!Planted(Plant::kFeedsKept)) feeds_.DropAll("a full sync has ended");
  shard_.Restart({header.sequence, header.epoch, header.time_ms});
  shard_.set_loading(false);
  if (persistence_ != nullptr) TRY_VOID(persistence_->EndReplacing());
  TRY_VOID(SetLineage(welcome.lineage));
  syncing_ = false;
  shard_.BeginTurn();
  Log(LogLevel::kNotice, "Full sync: {} entries, as of record {}", entries, header.sequence);
  return {};
}

void Replication::Apply(const RecordHeader& header, std::string_view ops) {
  shard_.Follow(header, ops);
}

void Replication::Published(const Publish& publish) {
  if (events_.published) events_.published(publish);
  feeds_.SendPublished(publish);
}

/// Before the state goes: what of it the primary never had is kept for a person.
void Replication::TellOfLoss(const Welcome& welcome) {
  const uint64_t last = shard_.newest().sequence;
  if (last == 0) return;
  const std::optional<uint64_t> common = welcome.lineage.CommonWith(lineage_, welcome.newest, last);
  if (!common) {
    Log(LogLevel::kWarning,
        "The primary has no history in common with this node: what is here is replaced");
    return;
  }
  if (*common == last) return;
  const Result<std::string> kept = KeepRecords(*common + 1, last);
  if (kept)
    Log(LogLevel::kWarning,
        "Records {} to {} were never at the new primary and are given up here; they are kept in {}",
        *common + 1, last, *kept);
  else
    Log(LogLevel::kWarning,
        "Records {} to {} were never at the new primary and are given up here; they could not be "
        "kept: {}",
        *common + 1, last, kept.error().message);
}

/// The directory for records `first` to `last`, with a number behind it where another state has
/// left records of these numbers already.
std::string Replication::DivergedDirectory(uint64_t first, uint64_t last) const {
  const std::string plain =
      fmt::format("{}/diverged-{}-{}", persistence_->options().directory, first, last);
  std::string directory = plain;
  for (int number = 2;; ++number) {
    const Result<std::vector<std::string>> files = env_.disk->ListNow(directory);
    if (!files || files->empty()) return directory;
    directory = fmt::format("{}-{}", plain, number);
  }
}

/// A log of one segment, in a directory of its own.
Result<std::string> Replication::KeepRecords(uint64_t first, uint64_t last) {
  if (env_.disk == nullptr || persistence_ == nullptr)
    return Fail(Code::kUnavailable, "there is no disk");
  const std::string directory = DivergedDirectory(first, last);
  TRY_VOID(MakeDirectoryDurably(*env_.disk, directory));
  const std::string path = directory + "/" + WalSegmentName(first);
  const HistoryId history = persistence_->history();
  std::string bytes =
      EncodeWalHeader({.history = history, .first = first, .synced = first - 1, .newest_time = 0});
  uint64_t next = first;
  const auto take = [&](const RecordHeader& header, std::string_view ops) {
    if (header.sequence != next) return;
    if (Planted(Plant::kDivergedCutShort) && next == last && first < last) return void(++next);
    ++next;
    AppendWalRecord(bytes, WalSalt(history), header, ops);
  };
  if (first < shard_.log().first()) {
    TRY(WalReader reader, WalReader::Open(*env_.disk, persistence_->LogDirectory(), first));
    RecordHeader header;
    std::string_view ops;
    while (next < shard_.log().first()) {
      TRY(const bool more, reader.Next(header, ops));
      if (!more) break;
      take(header, ops);
    }
  }
  shard_.log().Read(std::max(next, shard_.log().first()), take);
  if (next <= last)
    return Fail(Code::kOutOfRange, "record {} is neither in memory nor in the log", next);
  TRY(const DiskFilePtr file, env_.disk->OpenNow(path, Disk::Mode::kCreate));
  TRY_VOID(file->WriteNow(0, bytes));
  TRY_VOID(file->SyncNow());
  TRY_VOID(env_.disk->SyncDirectoryNow(directory));
  return path;
}

}  // namespace cloakroom
