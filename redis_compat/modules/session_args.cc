#include "redis_compat/modules/session_args.h"

#include <algorithm>
#include <array>
#include <limits>

#include "redis_compat/command/dispatcher.h"
#include "redis_compat/command/server_control.h"
#include "store/table/session_space.h"
#include "store/types/token.h"

namespace cloakroom {
namespace {

constexpr size_t kNamespaceBytesMax = 255;
constexpr size_t kUserBytesMax = 1024;
constexpr std::string_view kRedacted = "(redacted)";

/// What follows an option's word.
enum class Form : uint8_t { kFlag, kNumber, kWord, kCap, kNames, kPairs };

struct OptionRow {
  std::string_view word;
  SessionOption option;
  Form form;
  // kNumber: the interval, the unit it is told in, and what one is in the store's unit.
  int64_t min = 0;
  int64_t max = 0;
  std::string_view unit = {};
  int64_t scale = 1;
  int64_t SessionOptions::*number = nullptr;
  WordSpan SessionOptions::*words = nullptr;
  std::string_view SessionOptions::*text = nullptr;
};

constexpr int64_t kAny = std::numeric_limits<int64_t>::max();
constexpr int64_t kSpanMax = kSpanMsMax / kSecondMs;

constexpr OptionRow NumberRow(std::string_view word, SessionOption option, int64_t min, int64_t max,
                              std::string_view unit, int64_t scale,
                              int64_t SessionOptions::*number) {
  return {word, option, Form::kNumber, min, max, unit, scale, number, nullptr, nullptr};
}
constexpr OptionRow WordsRow(std::string_view word, SessionOption option, Form form,
                             WordSpan SessionOptions::*words) {
  return {word, option, form, 0, 0, {}, 1, nullptr, words, nullptr};
}
constexpr OptionRow TextRow(std::string_view word, SessionOption option,
                            std::string_view SessionOptions::*text) {
  return {word, option, Form::kWord, 0, 0, {}, 1, nullptr, nullptr, text};
}

using O = SessionOptions;
constexpr std::array kRows = {
    NumberRow("IDLE", kOptIdle, 1, kSpanMax, " seconds", kSecondMs, &O::idle_ms),
    NumberRow("ABS", kOptAbs, 1, kSpanMax, " seconds", kSecondMs, &O::abs_ms),
    NumberRow("AUTHAT", kOptAuthAt, 0, kDeadlineMax, " unix milliseconds", 1, &O::auth_at),
    NumberRow("GRACE", kOptGrace, 0, kGraceMsMax, " milliseconds", 1, &O::grace_ms),
    NumberRow("MAXAUTHAGE", kOptMaxAuthAge, 0, kSpanMax, " seconds", kSecondMs,
              &O::max_auth_age_ms),
    NumberRow("IFVER", kOptIfVer, 0, kAny, "", 1, &O::if_version),
    NumberRow("SINCE", kOptSince, 0, kAny, "", 1, &O::since),
    NumberRow("IFNEWER", kOptIfNewer, 0, kAny, "", 1, &O::if_newer),
    OptionRow{"MAX", kOptMax, Form::kCap},
    OptionRow{"COUNT", kOptCount, Form::kNumber, 1, kAny},
    WordsRow("META", kOptMeta, Form::kPairs, &O::meta),
    WordsRow("FIELDS", kOptFields, Form::kPairs, &O::fields),
    WordsRow("FIELDS", kOptNames, Form::kNames, &O::fields),
    WordsRow("DEL", kOptDel, Form::kNames, &O::deleted),
    WordsRow("UNCHANGED", kOptUnchanged, Form::kNames, &O::unchanged),
    WordsRow("HANDLE", kOptHandle, Form::kNames, &O::handles),
    TextRow("USER", kOptUser, &O::user),
    TextRow("CURSOR", kOptCursor, &O::cursor),
    TextRow("CURRENT", kOptCurrent, &O::token),
    TextRow("EXCEPT", kOptExcept, &O::token),
    OptionRow{"NX", kOptNx, Form::kFlag},
    OptionRow{"XX", kOptXx, Form::kFlag},
    OptionRow{"NODATA", kOptNoData, Form::kFlag},
    OptionRow{"NOTOUCH", kOptNoTouch, Form::kFlag},
    OptionRow{"REAUTH", kOptReauth, Form::kFlag},
    OptionRow{"ALL", kOptAll, Form::kFlag},
};

/// Pairs that cannot stand together.
struct Exclusion {
  SessionOption a;
  SessionOption b;
  std::string_view message;
};
constexpr std::array kExclusions = {
    Exclusion{kOptNx, kOptXx, "NX and XX exclude each other"},
    Exclusion{kOptNames, kOptNoData, "FIELDS and NODATA exclude each other"},
    Exclusion{kOptIfVer, kOptSince, "IFVER and SINCE exclude each other"},
    Exclusion{kOptNx, kOptIfVer, "NX and IFVER exclude each other"},
    Exclusion{kOptAll, kOptHandle, "ALL and HANDLE exclude each other"},
};

/// Words come back in an error as they are, unless they could be a token in the wrong place.
std::string_view Shown(std::string_view word) {
  return word.size() >= kForeignTokenCharsMin ? kRedacted : word;
}

Result<int64_t> ReadNumber(Args args, size_t i, std::string_view word, int64_t min, int64_t max,
                           std::string_view unit) {
  if (i >= args.size()) return Fail(Code::kInvalid, "{} needs a value", word);
  int64_t number = 0;
  if (!ParseInteger(args[i], number))
    return Fail(Code::kInvalid, "{} is not an integer or out of range", word);
  if (number < min || number > max) {
    if (max == kAny) return Fail(Code::kOutOfRange, "{} {}, must be {} or more", word, number, min);
    return Fail(Code::kOutOfRange, "{} {}, must be {} to {}{}", word, number, min, max, unit);
  }
  return number;
}

Result<SessionCap> ReadCap(Args args, size_t i) {
  TRY(const int64_t max, ReadNumber(args, i, "MAX", 0, kCapMax, ""));
  SessionCap cap;
  cap.max = static_cast<uint32_t>(max);
  if (i + 1 < args.size() && args.Is(i + 1, "EVICT"))
    cap.on_limit = OnLimit::kEvict;
  else if (i + 1 < args.size() && args.Is(i + 1, "REJECT"))
    cap.on_limit = OnLimit::kReject;
  else
    return Fail(Code::kInvalid, "MAX {} needs EVICT or REJECT", max);
  return cap;
}

/// n and then n names, or n pairs of name and value.
Result<WordSpan> ReadWords(Args args, size_t i, const OptionRow& row) {
  TRY(const int64_t count, ReadNumber(args, i, row.word, 0, kAny, ""));
  const auto left = static_cast<int64_t>(args.size() - i - 1);
  const int64_t parts = row.form == Form::kPairs ? 2 : 1;
  if (count > left / parts)
    return Fail(Code::kInvalid, "{} {} does not match the number of words that follow, {}",
                row.word, count, left);
  return args.From(i + 1).first(static_cast<size_t>(count * parts));
}

/// Reads what follows args[i], the option's word; returns how many words that was.
Result<size_t> ReadOption(Args args, size_t i, const OptionRow& row, SessionOptions& out) {
  switch (row.form) {
    case Form::kFlag:
      return 0;
    case Form::kNumber: {
      TRY(const int64_t number, ReadNumber(args, i + 1, row.word, row.min, row.max, row.unit));
      if (row.option == kOptCount)
        out.count = static_cast<size_t>(std::min<int64_t>(number, SessionOptions::kCountMax));
      else
        out.*row.number = number * row.scale;
      return 1;
    }
    case Form::kWord:
      if (i + 1 >= args.size()) return Fail(Code::kInvalid, "{} needs a value", row.word);
      out.*row.text = args[i + 1];
      return 1;
    case Form::kCap: {
      TRY(out.cap, ReadCap(args, i + 1));
      return 2;
    }
    case Form::kNames:
    case Form::kPairs: {
      TRY(out.*row.words, ReadWords(args, i + 1, row));
      return 1 + (out.*row.words).size();
    }
  }
  return 0;
}

}  // namespace

Result<SessionOptions> ParseSessionOptions(Args args, size_t from, uint32_t taken) {
  SessionOptions out;
  for (size_t i = from; i < args.size(); ++i) {
    const auto row = std::find_if(kRows.begin(), kRows.end(), [&](const OptionRow& each) {
      return (taken & each.option) != 0 && args.Is(i, each.word);
    });
    if (row == kRows.end()) return Fail(Code::kInvalid, "unknown option '{}'", Shown(args[i]));
    if (out.has(row->option)) return Fail(Code::kInvalid, "{} is given twice", row->word);
    out.given |= row->option;
    TRY(const size_t words, ReadOption(args, i, *row, out));
    i += words;
  }
  for (const Exclusion& each : kExclusions)
    if (out.has(each.a) && out.has(each.b)) return Fail(Code::kInvalid, each.message);
  if (out.has(kOptSince) != out.has(kOptUnchanged))
    return Fail(Code::kInvalid, "SINCE and UNCHANGED need each other");
  if (out.has(kOptUser)) TRY_VOID(CheckUser(out.user));
  return out;
}

Result<void> CheckNamespace(std::string_view ns) {
  if (ns.empty()) return Fail(Code::kInvalid, "ns must not be empty");
  if (ns.size() > kNamespaceBytesMax)
    return Fail(Code::kOutOfRange, "ns has {} bytes, must be 1 to {}", ns.size(),
                kNamespaceBytesMax);
  return {};
}

Result<void> CheckUser(std::string_view user) {
  if (user.empty()) return Fail(Code::kInvalid, "user must not be empty");
  if (user.size() > kUserBytesMax)
    return Fail(Code::kOutOfRange, "user has {} bytes, must be 1 to {}", user.size(),
                kUserBytesMax);
  return {};
}

void RedactSession(std::span<std::string> words) {
  if (words.empty()) return;
  // SESSION.PUT ns token; SESSION.DESTROY token ...; the rest with a token has it first.
  const std::string_view name = std::string_view(words[0]).substr(words[0].find('.') + 1);
  const auto is = [&](std::string_view word) { return EqualsIgnoreCase(name, word); };
  const bool token_first = is("GET") || is("SET") || is("INCR") || is("TOUCH") || is("ROTATE");
  for (size_t i = 1; i < words.size(); ++i) {
    const bool place = is("DESTROY") || (token_first && i == 1) || (is("PUT") && i == 2);
    const bool follows =
        EqualsIgnoreCase(words[i - 1], "CURRENT") || EqualsIgnoreCase(words[i - 1], "EXCEPT");
    if (place || follows || words[i].size() >= kForeignTokenCharsMin) words[i] = kRedacted;
  }
}

Result<void> Refuse(const CommandContext& ctx, const Error& error, Reply& reply) {
  if (error.code == Code::kNoSession && !ctx.batch.empty()) return reply.Error(error);
  return tl::unexpected<Error>(error);
}

bool MayWrite(const CommandContext& ctx) {
  const Shard& shard = ctx.dispatcher.shard();
  return ctx.server.paused() == PauseMode::kOff && shard.CanAccept(0) && !shard.following() &&
         !shard.lacks_replicas();
}

void WaitAsPolicySays(CommandContext& ctx, const SessionPolicy& policy) {
  if (policy.ack == PolicyAck::kServer) [[likely]]
    return;
  const Shard& shard = ctx.dispatcher.shard();
  if (!shard.has_journal()) return;  // the start has warned of it
  const auto level = static_cast<AckLevel>(static_cast<uint8_t>(policy.ack) - 1);
  ctx.ack = std::max(ctx.ack.value_or(level), level);
}

void WaitAsPolicySays(CommandContext& ctx, std::string_view ns) {
  const SessionSpace& space = ctx.keys.sessions();
  WaitAsPolicySays(ctx, space.PolicyOf(space.FindNamespace(ns)));
}

void WaitAsPolicySays(CommandContext& ctx, const ShownToken& token) {
  if (!ctx.dispatcher.shard().has_journal()) return;
  const SessionSpace& space = ctx.keys.sessions();
  const SessionSpace::Found found = space.Find(token.key, ctx.now);
  if (found.entry != nullptr) WaitAsPolicySays(ctx, space.PolicyOf(&space.NamespaceOf(found.view)));
}

}  // namespace cloakroom
