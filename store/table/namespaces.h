#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "store/base/function_ref.h"
#include "store/base/hash.h"
#include "store/base/time.h"
#include "store/op/session_policy.h"
#include "store/table/field_names.h"
#include "store/table/session_shape.h"
#include "store/table/session_value.h"

namespace cloakroom {

/// What happened to sessions since the process started. Not state: never logged, not in digests.
struct SessionCounters {
  uint64_t created = 0;
  uint64_t destroyed = 0;
  uint64_t expired = 0;
  uint64_t evicted = 0;
  uint64_t revoked = 0;
  uint64_t reuse = 0;

  SessionCounters& operator+=(const SessionCounters& other);
};

/// A mass end. It covers the sessions whose serial is below its own and who stand at or before
/// `last`: what it covers is not used any more, and what it spares is only used later. Kept while
/// sessions that it covers are still in memory.
struct SessionMark {
  static constexpr SeenSerial kAll = {kDeadlineMax, UINT64_MAX};

  uint64_t serial = 0;
  TimeMs time = 0;
  TimeMs tombstone_until = 0;
  SeenSerial last = kAll;
};

/// One application: its policy, its field names, what it has. The shapes of its sessions are kept
/// with those of the others.
struct Namespace {
  std::string name;
  uint32_t id = 0;
  std::optional<SessionPolicy> policy;  // none: that of kDefaultNamespace holds
  std::unique_ptr<FieldNames> names;

  // Sessions in memory that no mark covers, dead ones that are not yet freed included.
  uint64_t live = 0;
  uint64_t anonymous = 0;
  uint64_t bytes = 0;  // of the blocks of all sessions in memory
  mutable SessionCounters counters;

  // Oldest first; for the user marks, of users who had many sessions.
  std::vector<SessionMark> marks;
  std::map<std::string, std::vector<SessionMark>, std::less<>> user_marks;

  /// Tombstone times that held until `until`, oldest first: a session that expired before is
  /// remembered as long as the policy of its last moment said, whenever it is freed.
  struct PastTombstone {
    TimeMs until = 0;
    TimeMs tombstone_ms = 0;
  };
  std::vector<PastTombstone> past_tombstones;

  /// The first mark that covers a session of `user` who stands at `order`, or nullptr.
  [[nodiscard]] const SessionMark* Covering(std::string_view user, const SeenSerial& order) const;
};

/// The namespaces by name and by id. One is made by its first session or policy, and stays: it
/// holds the counters that SESSION.STATS shows. FLUSHALL frees those without a policy.
class Namespaces {
 public:
  /// `seed` keys the hashes of names.
  explicit Namespaces(uint64_t seed);

  Namespace& Make(std::string_view name);
  [[nodiscard]] const Namespace* Find(std::string_view name) const;
  [[nodiscard]] Namespace& At(uint32_t id) { return *by_id_[id]; }
  [[nodiscard]] const Namespace& At(uint32_t id) const { return *by_id_[id]; }
  [[nodiscard]] SessionShapes& shapes() { return shapes_; }
  [[nodiscard]] const SessionShapes& shapes() const { return shapes_; }

  /// The policy that holds in `ns`; nullptr: in a namespace that is not there yet.
  [[nodiscard]] const SessionPolicy& PolicyOf(const Namespace* ns) const;
  void SetPolicy(std::string_view name, const SessionPolicy& policy, TimeMs time);

  /// How long a session of `ns` that expires at `deadline` is remembered.
  [[nodiscard]] TimeMs TombstoneAt(const Namespace& ns, TimeMs deadline) const;
  /// Everything that expired by `now` has been freed.
  void ForgetPastTombstones(TimeMs now);

  /// All sessions are gone. Returns what they were read with; from now on it serves nothing else.
  [[nodiscard]] std::unique_ptr<Namespaces> Flush();

  void ForEach(FunctionRef<void(Namespace&)> visit);
  void ForEach(FunctionRef<void(const Namespace&)> visit) const;
  /// Counters of namespaces that FLUSHALL freed.
  [[nodiscard]] const SessionCounters& freed_counters() const { return freed_counters_; }
  /// About what names and dictionaries take.
  [[nodiscard]] size_t bytes() const;

 private:
  const uint64_t seed_;
  // Views of the names in by_id_.
  std::unordered_map<std::string_view, uint32_t, KeyedHash> ids_;
  std::vector<std::unique_ptr<Namespace>> by_id_;  // nullptr: free
  std::vector<uint32_t> free_;
  SessionShapes shapes_;
  SessionCounters freed_counters_;
  bool has_past_tombstones_ = false;
};

}  // namespace cloakroom
