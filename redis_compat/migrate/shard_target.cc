#include "redis_compat/migrate/shard_target.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "redis_compat/command/error_reply.h"
#include "store/base/check.h"
#include "store/base/log.h"
#include "store/base/number.h"

namespace cloakroom {
namespace {

/// The first word behind the name, which nearly always is a key. For errors: a key is named in
/// them, a value never.
std::string_view FirstKey(Args args) { return args.size() > 1 ? args[1] : std::string_view(); }

/// A command that cannot be executed here at all, so that the copy would be wrong from here on.
tl::unexpected<Error> Refused(const StreamCommand& command, std::string_view key,
                              std::string_view why) {
  return Fail(Code::kUnavailable, "the primary's command {}{}{} (db {}) {}", command.args[0],
              key.empty() ? "" : " of key ", key, command.db, why);
}

/// EVAL as it was called, from a Redis below 7 that is told to replicate scripts so.
Result<void> RefuseScript(const StreamCommand& command) {
  return Fail(Code::kUnavailable,
              "the primary sends the script of {} instead of what it changes; from Redis 5 on, "
              "CONFIG SET lua-replicate-commands yes there mends that",
              command.args[0]);
}

}  // namespace

ShardTarget::ShardTarget(Shard& shard, Dispatcher& dispatcher, const Options& options)
    : shard_(shard),
      dispatcher_(dispatcher),
      options_(options),
      flush_all_(dispatcher.registry().Find("flushall")) {
  client_.authenticated = true;
  client_.address = "primary";
  shard_.set_time_held(true);
}

ShardTarget::~ShardTarget() {
  shard_.set_loading(false);
  shard_.set_time_held(false);
}

// With a disk that takes nothing, the primary's bytes wait in the kernel and not in our memory.
bool ShardTarget::Ready() const { return !shard_.Congested() && !shard_.Refuses(); }

const Keyspace& ShardTarget::keys() const { return std::as_const(shard_).keys(); }

void ShardTarget::BeginFullSync() {
  passed_ = {};
  shard_.set_loading(true);
  EndAllKeys();
}

void ShardTarget::Commit(WriteBatch& batch) { shard_.Commit(batch); }

void ShardTarget::EndFullSync(const RdbImport::Report& report) {
  passed_.keys = report.other_keys;
  passed_.description = DescribeOthers(report);
  passed_.hash_fields = report.fields_with_deadline;
  if (passed_.keys > 0) Log(LogLevel::kWarning, "Left out: {}", passed_.description);
  if (passed_.hash_fields > 0)
    Log(LogLevel::kWarning, "Left out: {} hash fields with a deadline of their own",
        passed_.hash_fields);
  shard_.set_loading(false);
}

void ShardTarget::AbortFullSync(bool retries) {
  EndAllKeys();
  if (!retries) shard_.set_loading(false);
}

/// Those of all databases; the sessions stay.
void ShardTarget::EndAllKeys() {
  keys().ForEachDatabase([this](uint32_t db) { batch_.FlushDb(db); });
  shard_.Commit(batch_);
}

const Command* ShardTarget::Resolve(Args args) const {
  const Command* const found = dispatcher_.registry().Resolve(args);
  // Sessions are nothing that a Redis has.
  return found == nullptr || found->full_name.starts_with("session.") ? nullptr : found;
}

void ShardTarget::Expect(StreamCommand& command) {
  if (command.args.size() < 2 || command.db >= keys().databases()) return;
  command.first_key = keys().Ref(command.args[1]);
  keys().PrefetchBucket(command.db, command.first_key.position);
}

Result<void> ShardTarget::Execute(const StreamCommand& command) {
  const Command* const found = Resolve(command.args);
  if (found == nullptr) {
    TRY_VOID(Admit(command));
    return TakeOther(command);
  }
  if ((found->spec->flags & kWrite) == 0) return {};  // it changes nothing
  return Change(command, *found);
}

/// Whether it may be tried.
Result<void> ShardTarget::Admit(const StreamCommand& command) const {
  if (Resolve(command.args) != nullptr) return {};
  const OtherCommand& other = FindOtherCommand(command.args);
  if (other.effect == OtherCommand::Effect::kNothing) return {};
  if (other.effect == OtherCommand::Effect::kScript) return RefuseScript(command);
  if (!options_.refuse_others) return {};
  if (other.type.empty()) return Refused(command, FirstKey(command.args), "is not known here");
  return Refused(command, KeyOf(other, command.args),
                 "is for a type that there is not here (" + std::string(other.type) +
                     "); option import-other-types skip leaves such out");
}

Result<void> ShardTarget::Change(const StreamCommand& command, const Command& found) {
  if (&found == flush_all_) {
    EndAllKeys();
    return {};
  }
  if (command.db >= keys().databases())
    return Refused(
        command, FirstKey(command.args),
        "needs more than " + std::to_string(keys().databases()) + " databases (option databases)");
  if (!options_.refuse_others && LacksSource(command)) return {};
  client_.db = command.db;
  const Args args = absolute_.Rewrite(command.args, shard_.now());
  const Command* const made =
      args.words().data() == command.args.words().data() ? &found : Resolve(args);
  CHECK(made != nullptr);
  Result<void> done = dispatcher_.ExecuteForPrimary(client_, args, *made, command.first_key);
  if (done) return {};
  if (!options_.refuse_others && done.error().code == Code::kUnavailable &&
      command.args.size() > 1) {  // a value of a type that there is not
    CountPassedOver(command.args);
    EndKey(command.db, command.args[1]);
    return {};
  }
  return Refused(command, FirstKey(command.args), "fails here: " + ErrorLine(done.error()));
}

/// Where others are passed over, a key that is renamed or copied may be one of them: then what
/// stood at its new name is gone, and that is all.
bool ShardTarget::LacksSource(const StreamCommand& command) {
  const Args args = command.args;
  if (args.size() < 3) return false;
  const bool copies = args.Is(0, "COPY");
  if (!copies && !args.Is(0, "RENAME") && !args.Is(0, "RENAMENX")) return false;
  if (keys().FindStored(command.db, keys().Ref(args[1])) != nullptr) return false;
  int64_t db = command.db;
  for (size_t i = 3; copies && i + 1 < args.size(); ++i)
    if (args.Is(i, "DB")) static_cast<void>(ParseInteger(args[i + 1], db));
  CountPassedOver(args);
  if (db >= 0 && db < keys().databases()) EndKey(static_cast<uint32_t>(db), args[2]);
  return true;
}

/// A command that there is not here, where such are passed over. What it has changed is no key of
/// ours any more, nor a field.
Result<void> ShardTarget::TakeOther(const StreamCommand& command) {
  const OtherCommand& other = FindOtherCommand(command.args);
  if (other.effect == OtherCommand::Effect::kNothing) return {};
  CountPassedOver(command.args);
  if (command.db >= keys().databases()) return {};
  if (other.effect == OtherCommand::Effect::kFields)
    EndFields(command);
  else if (const std::string_view key = KeyOf(other, command.args); !key.empty())
    EndKey(command.db, key);
  return {};
}

void ShardTarget::EndKey(uint32_t db, std::string_view key) {
  const KeyRef ref = keys().Ref(key);
  if (keys().FindStored(db, ref) == nullptr) return;
  batch_.Delete(db, ref);
  shard_.Commit(batch_);
}

/// NAME key ... FIELDS count field ..., and values between them for HSETEX.
void ShardTarget::EndFields(const StreamCommand& command) {
  const Args args = command.args;
  const size_t stride = args.Is(0, "HSETEX") ? 2 : 1;
  size_t at = 2;
  while (at < args.size() && !args.Is(at, "FIELDS")) ++at;
  std::vector<std::string_view> fields;
  for (at += 2; at < args.size(); at += stride) fields.push_back(args[at]);
  if (fields.empty()) return;
  const KeyRef key = keys().Ref(args[1]);
  const Entry* const entry = keys().FindStored(command.db, key);
  if (entry == nullptr || entry->type() != ValueType::kHash) return;
  batch_.HashDelete(command.db, key, fields);
  shard_.Commit(batch_);
}

void ShardTarget::CountPassedOver(Args args) {
  ++passed_.commands;
  const auto at = passed_.by_name.find(args[0]);
  if (at != passed_.by_name.end()) {
    ++at->second;
    return;
  }
  if (passed_.by_name.size() >= kNamesMax) return;
  passed_.by_name.emplace(args[0], 1);
  Log(LogLevel::kWarning, "Left out of the primary's commands: {}, the first of key {}", args[0],
      args.size() > 1 ? args[1] : "");
}

Result<void> ShardTarget::ExecuteTransaction(std::span<const StreamCommand> commands) {
  for (const StreamCommand& command : commands) TRY_VOID(Admit(command));
  shard_.OpenRecord();
  Result<void> done;
  for (const StreamCommand& command : commands) {
    done = Execute(command);
    if (!done) break;
  }
  shard_.CloseRecord();
  return done;
}

void ShardTarget::Publish(std::string_view channel, std::string_view message) {
  if (published_) published_(channel, message);
}

}  // namespace cloakroom
