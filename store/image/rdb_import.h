#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/base/result.h"
#include "store/image/rdb_sink.h"
#include "store/op/write_batch.h"
#include "store/table/keyspace.h"

namespace cloakroom {

/// Turns what a dump holds into batches of ops, so that an import goes the way of every change. A
/// key that is there already is replaced. What is not state, how lately and how often a key was
/// used, is left out.
class RdbImport final : public RdbSink {
 public:
  struct Options {
    TimeMs now = 0;                       // keys and fields that ended by then are left out
    bool refuse_other_types = false;      // else they are listed and passed over
    bool refuse_field_deadlines = false;  // else such fields are counted and left out
    size_t batch_bytes_max = 1 << 20;     // about; one string may be larger
  };
  /// Commits the batch as a record and clears it. A large collection takes several.
  using Commit = std::function<Result<void>(WriteBatch& batch)>;

  /// `keys`: where the records are applied; for its number of databases and its hashing.
  RdbImport(const Keyspace& keys, const Options& options, Commit commit);

  /// Commits what is left. Call once, when the reader is done.
  [[nodiscard]] Result<void> Finish();

  /// A key that was passed over.
  struct OtherKey {
    uint32_t db = 0;
    std::string key;
    std::string_view type;
  };
  struct Report {
    uint64_t keys = 0;
    uint64_t expired_keys = 0;
    uint64_t other_keys = 0;
    std::map<std::string_view, uint64_t> other_types;  // how many keys of each
    std::vector<OtherKey> others;                      // the first kListedMax of them
    uint64_t fields_with_deadline = 0;                 // left out: they would live for ever
    std::string key_with_fields;                       // the first that had such
    uint64_t expired_fields = 0;
    std::optional<uint32_t> stream_db;  // what the commands behind a dump to a replica begin in
  };
  static constexpr size_t kListedMax = 100;
  [[nodiscard]] const Report& report() const { return report_; }

  Result<void> Aux(std::string_view name, std::string_view value) override;
  Result<void> Begin(const RdbKey& key) override;
  Result<void> Part(std::span<const std::string_view> words) override;
  Result<void> FieldWithDeadline(std::string_view field, std::string_view value,
                                 TimeMs deadline) override;
  Result<void> End() override;
  Result<void> Other(const RdbKey& key, std::string_view type) override;

 private:
  [[nodiscard]] Result<void> CommitIfLarge();

  const Keyspace& keys_;
  const Options options_;
  const Commit commit_;
  WriteBatch batch_;
  Report report_;
  RdbKey key_;
  KeyRef ref_;
  bool expired_ = false;
  bool made_ = false;  // something of the key is in a batch
};

/// "2 of type list, 1 of type zset: a (db 0, list), b (db 0, list), ...": what was passed over,
/// with the first keys of it. For a person.
[[nodiscard]] std::string DescribeOthers(const RdbImport::Report& report);

}  // namespace cloakroom
