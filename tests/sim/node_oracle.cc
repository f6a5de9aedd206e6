#include "tests/sim/node_oracle.h"

#include <fmt/format.h>

#include <algorithm>

#include "store/base/check.h"
#include "store/image/image_loader.h"
#include "store/table/session_space.h"
#include "tests/support/keyspace_dump.h"

namespace cloakroom {
namespace {

constexpr uint64_t kReferenceSeed = 12345;
constexpr size_t kLoadBytes = 1 << 20;

std::vector<std::string> SessionLines(const Keyspace& keys, TimeMs now) {
  std::vector<std::string> lines;
  keys.sessions().Describe(now, [&lines](std::string_view line) { lines.emplace_back(line); });
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::string Short(const std::string& text) { return text.substr(0, 300); }

std::string FirstDifference(const std::vector<std::string>& is,
                            const std::vector<std::string>& should) {
  for (size_t i = 0; i < std::max(is.size(), should.size()); ++i) {
    const std::string one = i < is.size() ? is[i] : "nothing";
    const std::string other = i < should.size() ? should[i] : "nothing";
    if (one != other) return fmt::format("is [{}], should be [{}]", Short(one), Short(other));
  }
  return "";
}

std::vector<std::string> KeyLines(const std::map<std::string, std::string>& keys) {
  std::vector<std::string> lines;
  lines.reserve(keys.size());
  for (const auto& [key, value] : keys) lines.push_back(key + ": " + value);
  return lines;
}

}  // namespace

std::string KeyspaceDifference(const Keyspace& is, const Keyspace& should, TimeMs now) {
  const KeyspaceDump dump = DumpKeyspace(is, now);
  const KeyspaceDump expected = DumpKeyspace(should, now);
  for (size_t db = 0; db < dump.size(); ++db)
    if (dump[db] != expected[db])
      return fmt::format("db {} {}", db,
                         FirstDifference(KeyLines(dump[db]), KeyLines(expected[db])));
  const std::string sessions = FirstDifference(SessionLines(is, now), SessionLines(should, now));
  if (!sessions.empty()) return "sessions: " + sessions;
  const std::vector<std::string> wrong = is.sessions().Inconsistencies();
  return wrong.empty() ? "" : "index: " + wrong.front();
}

void NodeOracle::Tap(Shard& shard) {
  if (shard.log().last() == last()) return;
  const bool whole =
      shard.log().Read(last() + 1, [this](const RecordHeader& header, std::string_view ops) {
        CHECK(header.sequence == last() + 1);
        records_.push_back({header, std::string(ops)});
      });
  CHECK(whole);
}

void NodeOracle::Promise(AckLevel level, uint64_t sequence) {
  if (level == AckLevel::kMemory) return;
  on_os_ = std::max(on_os_, sequence);
  if (level == AckLevel::kDisk) on_disk_ = std::max(on_disk_, sequence);
}

void NodeOracle::Forgive(uint64_t sequence) {
  on_os_ = std::min(on_os_, sequence);
  on_disk_ = std::min(on_disk_, sequence);
}

std::string NodeOracle::CheckRecovered(Shard& shard) {
  const uint64_t there = shard.newest().sequence;
  if (there < promised()) return fmt::format("{} was promised, {} is there", promised(), there);
  if (there > last()) return fmt::format("{} is there, {} was executed", there, last());
  if (std::string problem = Compare(shard); !problem.empty()) return problem;
  records_.resize(there);
  if (reference_at_ > there) reference_.reset();
  // Recovery makes durable what it hands out.
  on_os_ = on_disk_ = there;
  return CheckState(shard.keys(), there, shard.now());
}

/// What was replayed, against what was executed.
std::string NodeOracle::Compare(const Shard& shard) const {
  OpLog& log = const_cast<Shard&>(shard).log();
  std::string problem;
  log.Read(log.first(), [&](const RecordHeader& header, std::string_view ops) {
    const Record& made = records_[header.sequence - 1];
    if (problem.empty() && (made.ops != ops || made.header.time_ms != header.time_ms ||
                            made.header.epoch != header.epoch))
      problem = fmt::format("record {} is not what was executed", header.sequence);
  });
  if (problem.empty() && shard.newest().sequence > 0 &&
      shard.newest().time_ms != records_[shard.newest().sequence - 1].header.time_ms)
    problem = "the time of the newest record is not what it was";
  return problem;
}

const Keyspace& NodeOracle::At(uint64_t sequence) {
  CHECK(sequence <= last());
  if (reference_ == nullptr || reference_at_ > sequence) {
    reference_ = std::make_unique<Keyspace>(databases_, kReferenceSeed);
    reference_at_ = 0;
  }
  while (reference_at_ < sequence) {
    const Record& record = records_[reference_at_++];
    reference_->Apply(record.header, record.ops);
  }
  return *reference_;
}

std::string NodeOracle::CheckState(const Keyspace& keys, uint64_t sequence, TimeMs now) {
  const std::string problem = KeyspaceDifference(keys, At(sequence), now);
  return problem.empty() ? "" : fmt::format("at record {}: {}", sequence, problem);
}

std::string NodeOracle::CheckImage(Disk& disk, const std::string& path) {
  Result<ImageLoader> loader = ImageLoader::Open(disk, path);
  if (!loader) return loader.error().message;
  Keyspace keys(databases_, kReferenceSeed + 1);
  bool more = true;
  while (more) {
    const Result<bool> step = loader->Step(keys, kLoadBytes);
    if (!step) return step.error().message;
    more = *step;
  }
  const ImageHeader header = loader->header();
  if (header.sequence > last()) return fmt::format("{} is of record {}", path, header.sequence);
  const std::string problem = CheckState(keys, header.sequence, header.time_ms);
  return problem.empty() ? "" : fmt::format("{}: {}", path, problem);
}

}  // namespace cloakroom
