#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/keyspace_dump.h"
#include "tests/support/keyspace_log.h"
#include "tests/support/seeded_random.h"

namespace cloakroom {

/// A keyspace as simple as can be.
struct KeyspaceModel {
  struct Value {
    ValueType type = ValueType::kString;
    std::string text;
    std::map<std::string, std::string> fields;
    std::set<std::string> members;
    TimeMs deadline = kNoDeadline;
  };
  using Database = std::map<std::string, Value>;

  void DropDead(TimeMs now) {
    for (Database& database : databases) {
      std::erase_if(database, [now](const auto& item) {
        return item.second.deadline != kNoDeadline && item.second.deadline <= now;
      });
    }
  }

  /// In the form of DumpKeyspace.
  [[nodiscard]] KeyspaceDump Dump() const {
    KeyspaceDump dump(databases.size());
    for (uint32_t db = 0; db < databases.size(); ++db) {
      for (const auto& [key, value] : databases[db]) {
        std::string text = value.type == ValueType::kString ? "string " + value.text
                           : value.type == ValueType::kHash ? "hash"
                                                            : "set";
        for (const auto& [field, content] : value.fields) text += " " + field + "=" + content;
        for (const auto& member : value.members) text += " " + member;
        if (value.deadline != kNoDeadline) text += " @" + std::to_string(value.deadline);
        dump[db].emplace(key, text);
      }
    }
    return dump;
  }

  std::vector<Database> databases = std::vector<Database>(4);
};

/// Draws ops that are legal in the model's state, and does each to model and batch alike.
class KeyspacePlayer {
 public:
  static constexpr uint32_t kDatabases = 4;

  explicit KeyspacePlayer(uint64_t seed) : log(kDatabases, seed), random_(seed) {
    log.keys.packed_limits() = {
        .hash_entries_max = 6, .hash_value_bytes_max = 20, .set_intset_entries_max = 8};
  }

  /// One record of a few ops, some time later.
  void Step() {
    if (Below(3) == 0) log.now += static_cast<TimeMs>(Below(40));
    model.DropDead(log.now);
    for (uint64_t ops = 1 + Below(3); ops > 0; --ops) OneOp();
    log.Apply();
  }

  KeyspaceLog log;
  size_t large_bytes = 20'000;  // of the largest strings
  uint64_t keys = 40;           // of each database
  uint64_t whole_every = 60;    // rarer: databases are flushed and swapped less
  KeyspaceModel model;

 private:
  uint64_t Below(uint64_t bound) { return random_.Below(bound); }
  std::string Text(size_t size_max) {
    return std::string(Below(size_max + 1), static_cast<char>('a' + Below(26)));
  }
  std::string Key() {
    const uint64_t n = Below(keys);
    if (n == 0) return "";
    return n == 1 ? std::string(300, 'k') : "key" + std::to_string(n);
  }
  uint32_t Db() { return static_cast<uint32_t>(Below(kDatabases)); }
  TimeMs Deadline() {
    if (Below(2) == 0) return kNoDeadline;
    return log.now + 1 + static_cast<TimeMs>(Below(Below(4) == 0 ? 100'000 : 100));
  }
  /// Many of the same few, so that they meet; now and then enough to leave the packed form.
  std::vector<std::string> Names(bool numbers) {
    std::vector<std::string> names;
    for (uint64_t n = 1 + Below(Below(10) == 0 ? 200 : 4); n > 0; --n) {
      const std::string name = std::to_string(Below(Below(5) == 0 ? 300 : 12));
      names.push_back(numbers && Below(50) > 0 ? name : "name" + name);
    }
    return names;
  }
  [[nodiscard]] KeyRef Ref() const { return log.keys.Ref(key_); }
  KeyspaceModel::Database& Database() { return model.databases[db_]; }
  [[nodiscard]] bool Is(ValueType type) {
    const auto found = Database().find(key_);
    return found == Database().end() || found->second.type == type;
  }

  void OneOp() {
    db_ = Db();
    key_ = Key();
    const bool exists = Database().count(key_) == 1;
    const uint64_t kind = Below(20);
    if (kind < 3) return Put();
    if (kind < 5 && Is(ValueType::kString)) return Append();
    if (kind < 7 && Is(ValueType::kString)) return Write();
    if (kind < 9 && exists) return SetDeadline();
    if (kind < 11 && exists) return RenameOrCopy();
    if (kind < 15 && Is(ValueType::kHash)) return HashOp();
    if (kind < 19 && Is(ValueType::kSet)) return SetOp();
    if (Below(whole_every) == 0) return WholeDatabases();
    Delete();
  }

  void Put() {
    const std::string text = Text(Below(50) == 0 ? large_bytes : 40);
    const TimeMs deadline = Deadline();
    log.batch.PutString(db_, Ref(), text, deadline);
    KeyspaceModel::Value value;
    value.text = text;
    value.deadline = deadline;
    Database()[key_] = value;
  }
  void Append() {
    const std::string text = Text(30);
    std::string& value = Database()[key_].text;
    log.batch.AppendString(db_, Ref(), value.size(), text);
    value += text;
  }
  void Write() {
    const std::string text = "w" + Text(30);
    const size_t offset = Below(50);
    log.batch.WriteString(db_, Ref(), offset, text);
    std::string& value = Database()[key_].text;
    value.resize(std::max(value.size(), offset + text.size()), '\0');
    value.replace(offset, text.size(), text);
  }
  void SetDeadline() {
    Database()[key_].deadline = Deadline();
    log.batch.SetDeadline(db_, Ref(), Database()[key_].deadline);
  }
  void Delete() {
    log.batch.Delete(db_, Ref());
    Database().erase(key_);
  }
  void RenameOrCopy() {
    const uint32_t db2 = Db();
    const std::string key2 = Key();
    const KeyspaceModel::Value value = Database()[key_];
    if (Below(2) == 0) {
      log.batch.Rename(db_, Ref(), db2, log.keys.Ref(key2));
      Database().erase(key_);
    } else {
      log.batch.Copy(db_, Ref(), db2, log.keys.Ref(key2));
    }
    model.databases[db2][key2] = value;
  }
  void HashOp() {
    const std::vector<std::string> names = Names(false);
    const std::string text = Text(Below(20) == 0 ? 30 : 10);
    std::vector<std::string_view> items;
    KeyspaceModel::Value& hash = Database()[key_];
    hash.type = ValueType::kHash;
    if (!hash.fields.empty() && Below(3) == 0) {
      items.assign(names.begin(), names.end());
      log.batch.HashDelete(db_, Ref(), items);
      for (const std::string& name : names) hash.fields.erase(name);
      if (hash.fields.empty()) Database().erase(key_);
      return;
    }
    for (const std::string& name : names) {
      items.insert(items.end(), {name, text});
      hash.fields[name] = text;
    }
    log.batch.HashSet(db_, Ref(), items);
  }
  void SetOp() {
    const std::vector<std::string> names = Names(Below(3) > 0);
    const std::vector<std::string_view> items(names.begin(), names.end());
    KeyspaceModel::Value& set = Database()[key_];
    set.type = ValueType::kSet;
    if (!set.members.empty() && Below(3) == 0) {
      log.batch.SetRemove(db_, Ref(), items);
      for (const std::string& name : names) set.members.erase(name);
      if (set.members.empty()) Database().erase(key_);
      return;
    }
    log.batch.SetAdd(db_, Ref(), items);
    set.members.insert(names.begin(), names.end());
  }
  void WholeDatabases() {
    const uint32_t db2 = Db();
    switch (Below(4)) {
      case 0:
        log.batch.FlushAll();
        model.databases = std::vector<KeyspaceModel::Database>(kDatabases);
        return;
      case 1:
        log.batch.FlushDb(db_);
        Database().clear();
        return;
      default:
        log.batch.SwapDb(db_, db2);
        if (db_ != db2) std::swap(Database(), model.databases[db2]);
    }
  }

  SeededRandom random_;
  uint32_t db_ = 0;
  std::string key_;
};

}  // namespace cloakroom
