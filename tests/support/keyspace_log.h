#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "store/op/write_batch.h"
#include "store/table/keyspace.h"

namespace cloakroom {

/// A keyspace together with a log in plain sight: fill `batch`, then Apply() it at `now`.
struct KeyspaceLog {
  struct Record {
    RecordHeader header;
    std::string ops;
  };

  explicit KeyspaceLog(uint32_t databases = 16, uint64_t seed = 1) : keys(databases, seed) {}

  /// Applies what is in `batch` as one record.
  void Apply() {
    records.push_back(
        {{.sequence = records.size() + 1, .epoch = 1, .time_ms = now}, batch.bytes()});
    keys.Apply(records.back().header, batch.bytes(), batch.positions());
    batch.Clear();
  }

  [[nodiscard]] const Entry* Find(std::string_view key, uint32_t db = 0) const {
    return keys.Find(db, keys.Ref(key), now);
  }
  void Put(std::string_view key, std::string_view value, TimeMs deadline = kNoDeadline,
           uint32_t db = 0) {
    batch.PutString(db, keys.Ref(key), value, deadline);
    Apply();
  }
  using Items = std::initializer_list<std::string_view>;
  void HashSet(std::string_view key, Items fields_values, uint32_t db = 0) {
    batch.HashSet(db, keys.Ref(key), {fields_values.begin(), fields_values.size()});
    Apply();
  }
  void HashDelete(std::string_view key, Items fields, uint32_t db = 0) {
    batch.HashDelete(db, keys.Ref(key), {fields.begin(), fields.size()});
    Apply();
  }
  void SetAdd(std::string_view key, Items members, uint32_t db = 0) {
    batch.SetAdd(db, keys.Ref(key), {members.begin(), members.size()});
    Apply();
  }
  void SetRemove(std::string_view key, Items members, uint32_t db = 0) {
    batch.SetRemove(db, keys.Ref(key), {members.begin(), members.size()});
    Apply();
  }

  Keyspace keys;
  WriteBatch batch;
  TimeMs now = 1'700'000'000'000;
  std::vector<Record> records;
};

}  // namespace cloakroom
