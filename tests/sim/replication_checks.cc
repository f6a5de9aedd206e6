// What must hold in a run, whatever goes wrong.

#include "store/wal/wal_reader.h"
#include "tests/sim/replication_simulator.h"

namespace cloakroom {

/// After each turn, and whatever else may have made a record.
void ReplicationSimulator::Observe(Node& node) {
  if (node.process == nullptr || node.process->persistence.loading() || !good()) return;
  const Replication& replication = node.process->replication;
  LookAtSync(node);
  if (replication.syncing()) return;  // what is there is no state of anybody's
  OpLog& log = node.process->shard.log();
  const uint64_t sequence = oracle_.sequence(node.at);
  const bool goes_on =
      log.last() >= sequence && log.first() <= sequence + 1 &&
      (sequence == 0 || ClusterOracle::HistoryAt(replication.lineage(), sequence) ==
                            oracle_.record(node.at).history);
  if (!goes_on) Jump(node);
  Tap(node);
  if (!good()) return;
  const auto& counters = replication.feeds().counters();
  result_.counts.full_syncs += counters.full - node.full_syncs;
  result_.counts.partial += counters.partial - node.partial;
  node.full_syncs = counters.full;
  node.partial = counters.partial;
  LookAtAcks(node);
  if (random_.Below(500) == 0) CheckState(node, "after a turn");
}

/// The state is another one than in the turn before.
void ReplicationSimulator::Jump(Node& node) {
  const Replication& replication = node.process->replication;
  const uint64_t base = node.process->shard.log().first() - 1;
  const std::optional<At> found = oracle_.Find(replication.lineage(), base);
  if (!found)
    return Problem("node {} holds record {} of history {}, which nobody has executed", node.index,
                   base,
                   HistoryText(ClusterOracle::HistoryAt(replication.lineage(), base)).substr(0, 6));
  Trace("node {} goes over from {} to {}", node.index, Where(node.at), Where(*found));
  if (!oracle_.Includes(*found, node.at)) node.past.push_back(node.at);
  node.at = *found;
}

/// Takes the records that came since the turn before. On a replica they must be those that its
/// primaries have executed, behind the same ones.
void ReplicationSimulator::Tap(Node& node) {
  Shard& shard = node.process->shard;
  const Lineage& lineage = node.process->replication.lineage();
  const bool primary = node.process->is_primary();
  const auto take = [&](const RecordHeader& header, std::string_view ops) {
    if (!good()) return;
    cluster_->Note(header.sequence * 1000 + ops.size());
    const HistoryId history = ClusterOracle::HistoryAt(lineage, header.sequence);
    std::optional<At> at = oracle_.Find(history, header.sequence);
    if (primary && !at) {
      node.at = *oracle_.Execute(node.at, history, header, ops);
      return;
    }
    if (!at)
      return Problem("node {} has applied record {} of {}, which nobody has executed", node.index,
                     header.sequence, HistoryText(history).substr(0, 6));
    const ClusterOracle::Record& record = oracle_.record(*at);
    if (record.before != node.at)
      return Problem("node {} has applied {} behind {}", node.index, Where(*at), Where(node.at));
    if (record.ops != ops || record.header.epoch != header.epoch ||
        record.header.time_ms != header.time_ms)
      return Problem("node {}: {} is not what was executed", node.index, Where(*at));
    node.at = *at;
  };
  const bool whole = shard.log().Read(oracle_.sequence(node.at) + 1, take);
  if (good() && (!whole || oracle_.sequence(node.at) != shard.log().last()))
    Problem("node {}: records behind {} were not looked at", node.index, Where(node.at));
}

void ReplicationSimulator::LookAtSync(Node& node) {
  const Replication& replication = node.process->replication;
  const ReplicaSession* const session =
      replication.link() == nullptr ? nullptr : replication.link()->session();
  const bool up = session != nullptr && session->state() == ReplicaSession::State::kImage;
  if (node.sync_goes_on && !up && replication.syncing()) ++result_.counts.broken_syncs;
  node.sync_goes_on = up;
  const bool began = replication.syncing() && !node.syncing;
  // A small one is over in one turn.
  const bool went_by = !replication.syncing() && !node.syncing && session != nullptr &&
                       node.process->shard.newest().sequence > 0 &&
                       session->state() == ReplicaSession::State::kRecords &&
                       ClusterOracle::HistoryAt(replication.lineage(), oracle_.sequence(node.at)) !=
                           oracle_.record(node.at).history;
  node.syncing = replication.syncing();
  if (began) node.sync_slowed = false;
  if ((!began && !went_by) || session == nullptr || node.at == ClusterOracle::kEmpty) return;
  const Welcome& welcome = session->welcome();
  const std::optional<At> image = oracle_.Find(welcome.lineage, welcome.last);
  if (!image)
    return Problem("node {} gets an image of record {}, which nobody has executed", node.index,
                   welcome.last);
  LookAtKept(node, node.at, *image);
}

/// What a node gives up lies in a file, if it was anywhere but in the state itself.
void ReplicationSimulator::LookAtKept(Node& node, At lost, At now) {
  const At common = oracle_.Common(lost, now);
  if (common == lost || common == ClusterOracle::kEmpty) return;
  const uint64_t first = oracle_.sequence(common) + 1;
  const uint64_t last = oracle_.sequence(lost);
  result_.counts.diverged += last - first + 1;
  Trace("node {} gives up {} to {}", node.index, first, last);
  // Other states may have had records of these numbers.
  const std::string plain =
      fmt::format("{}/diverged-{}-{}", ClusterProcess::kDirectory, first, last);
  std::string directory = plain;
  for (int number = 2; node.disk.ListNow(directory).has_value(); ++number) {
    if (Holds(node, directory, lost, first)) {
      ++result_.counts.kept;
      return;
    }
    directory = fmt::format("{}-{}", plain, number);
  }
  if (first >= node.kept_from && node.disk.power_left == UINT64_MAX)
    Problem("node {} has not kept records {} to {}, which it gives up", node.index, first, last);
}

/// Whether `directory` is a log of the records from `first` to `last`, and no others.
bool ReplicationSimulator::Holds(Node& node, const std::string& directory, At last,
                                 uint64_t first) {
  Result<WalReader> reader = WalReader::Open(node.disk, directory, first);
  RecordHeader header;
  std::string_view ops;
  for (uint64_t sequence = first; reader && sequence <= oracle_.sequence(last); ++sequence) {
    const Result<bool> more = reader->Next(header, ops);
    const ClusterOracle::Record& record = oracle_.record(oracle_.Before(last, sequence));
    if (!more || !*more || header.sequence != sequence || record.ops != ops ||
        record.header.epoch != header.epoch || record.header.time_ms != header.time_ms)
      return false;
  }
  const Result<bool> more = reader ? reader->Next(header, ops) : true;
  return more && !*more;
}

/// Of what a replica says that it has applied, all must be there, or have been.
void ReplicationSimulator::LookAtAcks(Node& primary) {
  const Replication& replication = primary.process->replication;
  const auto has = [this](const Node& node, At at) {
    return oracle_.Includes(node.at, at) ||
           std::any_of(node.past.begin(), node.past.end(),
                       [&](At before) { return oracle_.Includes(before, at); });
  };
  replication.feeds().ForEach([&](const ReplicationFeeds::Replica& replica) {
    if (replica.state != PrimaryFeed::State::kRecords) return;
    uint64_t& seen = primary.acks[replica.address];
    if (seen == replica.ack.applied) return;
    seen = replica.ack.applied;
    ++result_.counts.acknowledged;
    const Node& node = *nodes_[replica.port - SimCluster::AddressOf(0).port];
    const std::optional<At> at = oracle_.Find(replication.lineage(), seen);
    if (!at || !has(node, *at))
      Problem("node {} has told {} that it has record {}, and is at {}", node.index, primary.index,
              seen, Where(node.at));
  });
  // What WAIT would count. The connection of a process that has ended may still count.
  if (!good() || !Chance(10) || primary.at == ClusterOracle::kEmpty) return;
  const uint64_t newest = oracle_.sequence(primary.at);
  const uint64_t sequence = newest - random_.Below(std::min<uint64_t>(newest, 10));
  const At at = oracle_.Before(primary.at, sequence);
  size_t holders = 0;
  for (const auto& node : nodes_) {
    if (node.get() == &primary) continue;
    holders += has(*node, at) ? 1 : 0;
    holders += static_cast<size_t>(std::count_if(
        node->ended.begin(), node->ended.end(), [&](At end) { return oracle_.Includes(end, at); }));
  }
  const size_t counted = replication.feeds().CountAt(sequence, false);
  if (counted > holders)
    Problem("node {} counts {} replicas that have record {}, there are {}", primary.index, counted,
            sequence, holders);
}

void ReplicationSimulator::LookAtRecovered(Node& node, bool marked) {
  const RecordHeader newest = node.process->shard.newest();
  const uint64_t there = newest.sequence;
  if (there < node.os)
    return Problem("node {}: record {} was promised, {} is there{}", node.index, node.os, there,
                   marked ? ", for a sync was under way" : "");
  if (marked && there > 0) return Problem("node {} has loaded what a sync has left", node.index);
  const At found = oracle_.Before(node.at, there);
  const ClusterOracle::Record& record = oracle_.record(found);
  if (record.header.sequence != there || (there > 0 && (record.header.epoch != newest.epoch ||
                                                        record.header.time_ms != newest.time_ms)))
    return Problem("node {} was at {}, and starts with record {}", node.index, Where(node.at),
                   there);
  if (found != node.at) {
    ++result_.counts.lost;
    node.past.push_back(node.at);
  }
  node.at = found;
  CheckState(node, "after the start");
}

/// What the process has promised by now: to clients, and a replica to its primary. Before each
/// turn.
void ReplicationSimulator::Promises(Node& node) {
  ClusterProcess& process = *node.process;
  const bool counts = !process.replication.syncing();
  node.os = counts ? process.shard.Reached(AckLevel::kOs) : 0;
  node.disk_at = counts ? process.shard.Reached(AckLevel::kDisk) : 0;
  const uint64_t in_memory = process.shard.log().first();
  GroupCommit* const log = process.persistence.log();
  const bool written = log != nullptr && log->Reached(AckLevel::kOs) + 1 >= in_memory;
  node.kept_from = written ? std::min(in_memory, log->writer().first()) : in_memory;
}

void ReplicationSimulator::CheckState(Node& node, const char* what) {
  if (!good() || node.process == nullptr || node.process->replication.syncing()) return;
  const Shard& shard = node.process->shard;
  // Who reads does so in a turn that begins after the records came.
  const TimeMs now = std::max(shard.now(), shard.newest().time_ms);
  Expect(node, what, oracle_.CheckState(shard.keys(), node.at, now));
}

}  // namespace cloakroom
