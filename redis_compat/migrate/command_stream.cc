#include "redis_compat/migrate/command_stream.h"

#include <limits>
#include <utility>

#include "redis_compat/resp/limits.h"
#include "store/base/number.h"

namespace cloakroom {
namespace {

// A buffer that one huge transaction made is not kept.
constexpr size_t kKeepBytesMax = size_t{1} << 20;

enum class Kind : uint8_t { kChange, kSelect, kPing, kReplconf, kMulti, kExec, kPublish };

/// Nearly all are changes: their length alone says so.
Kind KindOf(std::string_view name) {
  const auto is = [name](std::string_view word) { return EqualsIgnoreCase(name, word); };
  switch (name.size()) {
    case 4:
      return is("PING") ? Kind::kPing : is("EXEC") ? Kind::kExec : Kind::kChange;
    case 5:
      return is("MULTI") ? Kind::kMulti : Kind::kChange;
    case 6:
      return is("SELECT") ? Kind::kSelect : Kind::kChange;
    case 7:
      return is("PUBLISH") ? Kind::kPublish : Kind::kChange;
    case 8:
      return is("REPLCONF") ? Kind::kReplconf : is("SPUBLISH") ? Kind::kPublish : Kind::kChange;
    default:
      return Kind::kChange;
  }
}

}  // namespace

void CommandQueue::Add(const StreamCommand& command) {
  for (const std::string_view word : command.args.words()) {
    bytes_.append(word);
    sizes_.push_back(word.size());
  }
  kept_.push_back({command.db, command.args.size()});
}

void CommandQueue::Clear() {
  if (bytes_.capacity() > kKeepBytesMax) std::string().swap(bytes_);
  bytes_.clear();
  sizes_.clear();
  kept_.clear();
}

std::span<const StreamCommand> CommandQueue::Commands() {
  views_.clear();
  commands_.clear();
  std::string_view rest = bytes_;
  for (const size_t size : sizes_) {
    views_.push_back(rest.substr(0, size));
    rest.remove_prefix(size);
  }
  std::span<const std::string_view> words = views_;
  for (const Kept& kept : kept_) {
    commands_.push_back({kept.db, Args(words.first(kept.words)), {}});
    words = words.subspan(kept.words);
  }
  return commands_;
}

void CommandStream::Begin(uint64_t offset, uint32_t db) {
  applied_ = offset;
  db_ = db;
  in_transaction_ = false;
  Resume();
}

void CommandStream::Resume() {
  taken_ = applied_;
  if (std::exchange(in_transaction_, false)) db_ = db_before_;
  queue_.Clear();
  parser_.Reset();
}

Result<size_t> CommandStream::Feed(std::string_view input, bool& starved) {
  Result<size_t> rest = ParseAhead(input, starved);
  size_t used = 0;
  for (Parsed& each : parsed_) {
    each.command.db = db_;
    end_ = taken_ + each.bytes;
    TRY_VOID(Take(each.command));
    Advance(each.bytes);
    used += each.bytes;
  }
  commands_ += parsed_.size();
  if (!rest) return rest;
  Advance(*rest);
  return used + *rest;
}

/// Parses a group before any of it is executed, so that the memory it needs is on its way. Returns
/// how many bytes behind the last command are done with.
Result<size_t> CommandStream::ParseAhead(std::string_view input, bool& starved) {
  constexpr RequestLimits kLimits{.word_bytes_max = std::numeric_limits<uint32_t>::max()};
  starved = false;
  words_.Clear();
  parsed_.clear();
  size_t at = 0;
  Result<size_t> rest = 0;
  while (parsed_.size() < kGroup && !starved && rest) {
    const size_t first = words_.views.size();
    const RequestParser::Step step = parser_.Next(input.substr(at), kLimits, words_);
    if (step.status == RequestParser::Status::kRequest) {
      parsed_.push_back({first, words_.views.size() - first, step.consumed, {}});
      at += step.consumed;
    } else if (step.status == RequestParser::Status::kError) {
      rest = Fail(Code::kInvalid, "byte {} of the stream: {}", taken_ + at + step.consumed,
                  parser_.error());
    } else {
      rest = step.consumed;
      starved = true;
    }
  }
  // Only now do the words lie where they stay.
  for (Parsed& each : parsed_) {
    each.command = {db_, Args(std::span(words_.views).subspan(each.first_word, each.words)), {}};
    target_.Expect(each.command);
  }
  return rest;
}

void CommandStream::Advance(size_t bytes) {
  taken_ += bytes;
  if (!in_transaction_) applied_ = taken_;
}

Result<void> CommandStream::Take(const StreamCommand& command) {
  const Args args = command.args;
  switch (KindOf(args[0])) {
    case Kind::kSelect:
      return Select(args);
    case Kind::kPing:
      return {};
    case Kind::kReplconf:
      if (args.size() > 1 && args.Is(1, "GETACK")) acknowledge_();
      return {};
    case Kind::kMulti:
      return BeginTransaction();
    case Kind::kExec:
      return EndTransaction();
    case Kind::kPublish:
      if (args.size() != 3)
        return Fail(Code::kInvalid, "byte {} of the stream: PUBLISH of {} words", end_,
                    args.size());
      if (in_transaction_) break;
      target_.Publish(args[1], args[2]);
      return {};
    case Kind::kChange:
      if (in_transaction_) break;
      return target_.Execute(command);
  }
  queue_.Add(command);
  return {};
}

Result<void> CommandStream::Select(Args args) {
  int64_t db = 0;
  if (args.size() != 2 || !ParseInteger(args[1], db) || db < 0 ||
      db > std::numeric_limits<int32_t>::max())
    return Fail(Code::kInvalid, "byte {} of the stream: SELECT of no database", end_);
  db_ = static_cast<uint32_t>(db);
  return {};
}

Result<void> CommandStream::BeginTransaction() {
  if (in_transaction_)
    return Fail(Code::kInvalid, "byte {} of the stream: MULTI within MULTI", end_);
  in_transaction_ = true;
  db_before_ = db_;
  return {};
}

Result<void> CommandStream::EndTransaction() {
  if (!in_transaction_)
    return Fail(Code::kInvalid, "byte {} of the stream: EXEC without MULTI", end_);
  const std::span<const StreamCommand> all = queue_.Commands();
  changes_.clear();
  for (const StreamCommand& command : all)
    if (KindOf(command.args[0]) == Kind::kChange) changes_.push_back(command);
  TRY_VOID(target_.ExecuteTransaction(changes_));
  in_transaction_ = false;
  for (const StreamCommand& command : all)
    if (KindOf(command.args[0]) == Kind::kPublish)
      target_.Publish(command.args[1], command.args[2]);
  queue_.Clear();
  return {};
}

}  // namespace cloakroom
