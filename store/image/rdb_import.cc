#include "store/image/rdb_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "store/base/number.h"

namespace cloakroom {
namespace {

constexpr size_t kNamedMax = 20;  // keys that a description names

}  // namespace

std::string DescribeOthers(const RdbImport::Report& report) {
  std::string text;
  for (const auto& [type, count] : report.other_types)
    text += fmt::format("{}{} of type {}", text.empty() ? "" : ", ", count, type);
  for (size_t i = 0; i < std::min(report.others.size(), kNamedMax); ++i)
    text += fmt::format("{}{} (db {}, {})", i == 0 ? ": " : ", ", report.others[i].key,
                        report.others[i].db, report.others[i].type);
  if (report.other_keys > kNamedMax) text += ", ...";
  return text;
}

RdbImport::RdbImport(const Keyspace& keys, const Options& options, Commit commit)
    : keys_(keys), options_(options), commit_(std::move(commit)) {}

Result<void> RdbImport::Aux(std::string_view name, std::string_view value) {
  int64_t db = 0;
  if (name == "repl-stream-db" && ParseInteger(value, db) && db >= 0 &&
      db <= std::numeric_limits<uint32_t>::max())
    report_.stream_db = static_cast<uint32_t>(db);
  return {};
}

Result<void> RdbImport::Begin(const RdbKey& key) {
  if (key.db >= keys_.databases())
    return Fail(Code::kOutOfRange, "database {}, must be below {} (option databases)", key.db,
                keys_.databases());
  key_ = key;
  expired_ = key.deadline != kNoDeadline && key.deadline <= options_.now;
  made_ = false;
  if (expired_) return {};
  ref_ = keys_.Ref(key.key);
  keys_.PrefetchBucket(key.db, ref_.position);  // for when the batch is applied
  // Should the key be there, of whatever type: the parts of a collection only add to it.
  if (key.kind != RdbKind::kString) batch_.Delete(key.db, ref_);
  return {};
}

Result<void> RdbImport::Part(std::span<const std::string_view> words) {
  if (expired_) return {};
  made_ = true;
  switch (key_.kind) {
    case RdbKind::kString:
      batch_.PutString(key_.db, ref_, words[0], key_.deadline);
      break;
    case RdbKind::kHash:
      batch_.HashSet(key_.db, ref_, words);
      break;
    case RdbKind::kSet:
      batch_.SetAdd(key_.db, ref_, words);
      break;
    case RdbKind::kOther:
      break;
  }
  return CommitIfLarge();
}

Result<void> RdbImport::FieldWithDeadline(std::string_view /*field*/, std::string_view /*value*/,
                                          TimeMs deadline) {
  if (expired_) return {};
  if (options_.refuse_field_deadlines)
    return Fail(Code::kUnavailable, "key {} has fields with a deadline of their own", key_.key);
  if (deadline <= options_.now) {
    ++report_.expired_fields;
    return {};
  }
  if (report_.fields_with_deadline++ == 0) report_.key_with_fields = key_.key;
  return {};
}

Result<void> RdbImport::End() {
  if (expired_) {
    ++report_.expired_keys;
    return {};
  }
  if (!made_) return {};  // all its fields have ended, or were left out
  ++report_.keys;
  if (key_.kind != RdbKind::kString && key_.deadline != kNoDeadline)
    batch_.SetDeadline(key_.db, ref_, key_.deadline);
  return CommitIfLarge();
}

Result<void> RdbImport::Other(const RdbKey& key, std::string_view type) {
  if (options_.refuse_other_types)
    return Fail(Code::kUnavailable, "key {} of database {} is a {}, a type that is not supported",
                key.key, key.db, type);
  ++report_.other_keys;
  ++report_.other_types[type];
  if (report_.others.size() < kListedMax)
    report_.others.push_back({key.db, std::string(key.key), type});
  return {};
}

Result<void> RdbImport::CommitIfLarge() {
  return batch_.bytes().size() < options_.batch_bytes_max ? Result<void>() : Finish();
}

Result<void> RdbImport::Finish() { return batch_.empty() ? Result<void>() : commit_(batch_); }

}  // namespace cloakroom
