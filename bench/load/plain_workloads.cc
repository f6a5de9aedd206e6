#include "bench/load/plain_workloads.h"

#include "bench/load/reply_scanner.h"
#include "bench/load/request_text.h"
#include "bench/load/session_fields.h"
#include "bench/load/session_mix.h"

namespace cloakroom::bench {
namespace {

constexpr std::string_view kSessionPrefix = "sess:";

// Strings and sessions are named alike, and one server may be given both: their numbers lie apart.
constexpr uint64_t kFirstSession = uint64_t{1} << 62;
constexpr uint64_t kFirstLogin = uint64_t{1} << 63;

std::string DigitsOf(uint64_t number) {
  std::string id(kKeyDigits, '0');
  WriteKeyDigits(number, id.data());
  return id;
}

/// One of those that are there before a load begins.
std::string SessionId(uint64_t number) { return DigitsOf(kFirstSession + number); }

/// One that a login makes, and none of those that were there before.
std::string LoginId(Random& random) { return DigitsOf(kFirstLogin | random.Bits()); }

std::string SessionKey(std::string_view id) { return std::string(kSessionPrefix).append(id); }

/// What all plain workloads need: the keys, and each step as it is sent.
class PlainWorkload : public Workload {
 protected:
  PlainWorkload(WorkloadContext& context, Distribution distribution)
      : options_(context.options),
        fields_(options_, context.text),
        random_(options_.seed + 1),
        keys_(distribution, options_.keys, options_.zipf_exponent, options_.seed) {}

  Step AppendCreate(uint64_t owner, std::string_view id, std::string& out) {
    const std::string key = SessionKey(id);
    const std::string user = fields_.User(owner);
    const bool agent = options_.user_agent_bytes != 0;
    AppendRequest(out, "MULTI");
    AppendHead(out, 2 + 2 * fields_.count() + (agent ? 2 : 0));
    AppendWord(out, "HSET");
    AppendWord(out, key);
    fields_.Append(out, random_);
    if (agent) {
      AppendWord(out, "agent");
      AppendWord(out, fields_.Agent(random_));
    }
    AppendRequest(out, "EXPIRE", key, fields_.idle_seconds());
    AppendRequest(out, "SADD", user, id);
    AppendRequest(out, "EXPIRE", user, fields_.idle_seconds());
    AppendRequest(out, "EXEC");
    return {.commands = 6, .replies = 6};
  }

  Step AppendRead(std::string_view id, std::string& out) {
    const std::string key = SessionKey(id);
    AppendRequest(out, "MULTI");
    AppendRequest(out, "HGETALL", key);
    AppendRequest(out, "EXPIRE", key, fields_.idle_seconds());
    AppendRequest(out, "EXEC");
    return {.commands = 4, .replies = 4};
  }

  Step AppendUpdate(std::string_view id, std::string& out) {
    const std::string key = SessionKey(id);
    AppendRequest(out, "MULTI");
    AppendHead(out, 4);
    AppendWord(out, "HSET");
    AppendWord(out, key);
    fields_.AppendOne(out, random_, 3);
    AppendRequest(out, "EXPIRE", key, fields_.idle_seconds());
    AppendRequest(out, "EXEC");
    return {.commands = 4, .replies = 4};
  }

  Step AppendMembers(uint64_t owner, std::string& out) {
    AppendRequest(out, "SMEMBERS", fields_.User(owner));
    return {};
  }

  static Step AppendEach(const Lane& lane, std::string& out) {
    for (const std::string& id : lane.members) AppendRequest(out, "HGETALL", SessionKey(id));
    const auto count = static_cast<uint32_t>(lane.members.size());
    return {.commands = count, .replies = count};
  }

  static void TakeMembers(Lane& lane, std::string_view reply) {
    lane.members.clear();
    ReplyWords words(reply);
    for (std::string_view word; words.Next(word);) lane.members.emplace_back(word);
  }

  Step AppendLogout(uint64_t owner, std::string_view id, std::string& out) {
    AppendRequest(out, "MULTI");
    AppendRequest(out, "DEL", SessionKey(id));
    AppendRequest(out, "SREM", fields_.User(owner), id);
    AppendRequest(out, "EXEC");
    return {.commands = 4, .replies = 4};
  }

  const WorkloadOptions& options_;
  SessionFields fields_;
  Random random_;
  KeyChooser keys_;
};

/// The reply of EXEC to a read: an empty hash in it is a session that is not there.
Verdict JudgeRead(std::string_view reply) {
  return reply.starts_with("*2\r\n*0\r\n") ? Verdict::kMiss : Verdict::kFine;
}

class PlainCreate final : public PlainWorkload {
 public:
  explicit PlainCreate(WorkloadContext& context)
      : PlainWorkload(context, Distribution::kSequence) {}

  Step Append(Lane&, std::string& out) override {
    const uint64_t number = keys_.Next();
    return AppendCreate(number, SessionId(number), out);
  }

  [[nodiscard]] uint64_t PreloadFlows() const override { return options_.keys; }
};

class PlainGet final : public PlainWorkload {
 public:
  explicit PlainGet(WorkloadContext& context)
      : PlainWorkload(context, context.options.distribution) {}

  Step Append(Lane&, std::string& out) override { return AppendRead(SessionId(keys_.Next()), out); }

  Verdict Judge(Lane&, uint32_t index, std::string_view reply) override {
    return index == 3 ? JudgeRead(reply) : Verdict::kFine;
  }
};

class PlainMix final : public PlainWorkload {
 public:
  explicit PlainMix(WorkloadContext& context)
      : PlainWorkload(context, context.options.distribution) {}

  Step Append(Lane& lane, std::string& out) override {
    if (lane.step == 1) return AppendEach(lane, out);
    lane.key = keys_.Next();
    lane.members.clear();
    const std::string id = SessionId(lane.key);
    switch (lane.action = DrawMixAction(random_)) {
      case MixAction::kRead:
        return AppendRead(id, out);
      case MixAction::kUpdate:
        return AppendUpdate(id, out);
      case MixAction::kTouch:
        AppendRequest(out, "EXPIRE", SessionKey(id), fields_.idle_seconds());
        return {};
      case MixAction::kList:
        break;
    }
    Step step = AppendMembers(lane.key, out);
    step.last = false;
    return step;
  }

  Verdict Judge(Lane& lane, uint32_t index, std::string_view reply) override {
    if (lane.step == 2) return Verdict::kFine;
    switch (lane.action) {
      case MixAction::kRead:
        return index == 3 ? JudgeRead(reply) : Verdict::kFine;
      case MixAction::kTouch:
        return reply == ":0\r\n" ? Verdict::kMiss : Verdict::kFine;
      case MixAction::kList:
        TakeMembers(lane, reply);
        return lane.members.empty() ? Verdict::kAbandon : Verdict::kFine;
      case MixAction::kUpdate:
        break;
    }
    return Verdict::kFine;
  }
};

/// Create, five reads that slide, two updates of a field, the user's list, logout.
class PlainLoginFlow final : public PlainWorkload {
 public:
  explicit PlainLoginFlow(WorkloadContext& context)
      : PlainWorkload(context, context.options.distribution) {}

  Step Append(Lane& lane, std::string& out) override {
    Step step = AppendStep(lane, out);
    step.last = lane.step > kEach;
    return step;
  }

  Verdict Judge(Lane& lane, uint32_t index, std::string_view reply) override {
    const uint32_t sent = lane.step - 1;
    if (sent >= 1 && sent <= kLoginReads) return index == 3 ? JudgeRead(reply) : Verdict::kFine;
    if (sent == kMembers) {
      TakeMembers(lane, reply);
      if (lane.members.empty()) return Verdict::kAbandon;
    }
    return Verdict::kFine;
  }

 private:
  static constexpr uint32_t kUpdatesFrom = 1 + kLoginReads;
  static constexpr uint32_t kMembers = kUpdatesFrom + kLoginUpdates;
  static constexpr uint32_t kEach = kMembers + 1;

  Step AppendStep(Lane& lane, std::string& out) {
    const uint32_t step = lane.step;
    if (step == 0) {
      lane.key = keys_.Next();
      lane.token = LoginId(random_);
      return AppendCreate(lane.key, lane.token, out);
    }
    if (step < kUpdatesFrom) return AppendRead(lane.token, out);
    if (step < kMembers) return AppendUpdate(lane.token, out);
    if (step == kMembers) return AppendMembers(lane.key, out);
    if (step == kEach) return AppendEach(lane, out);
    return AppendLogout(lane.key, lane.token, out);
  }
};

template <typename Load>
WorkloadPair Make(WorkloadContext& context) {
  WorkloadPair pair;
  pair.load = std::make_unique<Load>(context);
  pair.preload = std::make_unique<PlainCreate>(context);
  return pair;
}

}  // namespace

WorkloadPair MakePlainCreate(WorkloadContext& context) { return Make<PlainCreate>(context); }

WorkloadPair MakePlainGet(WorkloadContext& context) { return Make<PlainGet>(context); }

WorkloadPair MakePlainMix(WorkloadContext& context) { return Make<PlainMix>(context); }

WorkloadPair MakePlainLoginFlow(WorkloadContext& context) { return Make<PlainLoginFlow>(context); }

}  // namespace cloakroom::bench
