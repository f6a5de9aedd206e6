#include "bench/load/session_workloads.h"

#include "bench/load/reply_scanner.h"
#include "bench/load/request_text.h"
#include "bench/load/session_fields.h"
#include "bench/load/session_mix.h"

namespace cloakroom::bench {
namespace {

constexpr std::string_view kNamespace = "bench";

/// What all workloads of SESSION.* need: the keys, and each command as it is sent.
class SessionWorkload : public Workload {
 protected:
  SessionWorkload(WorkloadContext& context, Distribution distribution)
      : options_(context.options),
        fields_(options_, context.text),
        tokens_(context.tokens),
        random_(options_.seed + 1),
        keys_(distribution, options_.keys, options_.zipf_exponent, options_.seed) {}

  void AppendCreate(Lane& lane, std::string& out) {
    const bool agent = options_.user_agent_bytes != 0;
    AppendHead(out, 7 + 2 * fields_.count() + (agent ? 4 : 0));
    AppendWord(out, "SESSION.CREATE");
    AppendWord(out, kNamespace);
    AppendWord(out, fields_.User(lane.key));
    AppendWord(out, "IDLE");
    AppendWord(out, fields_.idle_seconds());
    if (agent) {
      AppendWord(out, "META");
      AppendWord(out, 1);
      AppendWord(out, "agent");
      AppendWord(out, fields_.Agent(random_));
    }
    AppendWord(out, "FIELDS");
    AppendWord(out, fields_.count());
    fields_.Append(out, random_);
  }

  static void AppendRead(std::string_view token, std::string& out) {
    AppendRequest(out, "SESSION.GET", token);
  }

  void AppendUpdate(std::string_view token, std::string& out) {
    AppendHead(out, 6);
    AppendWord(out, "SESSION.SET");
    AppendWord(out, token);
    AppendWord(out, "FIELDS");
    AppendWord(out, 1);
    fields_.AppendOne(out, random_, 3);
  }

  void AppendList(uint64_t session, std::string& out) {
    AppendRequest(out, "SESSION.LIST", kNamespace, fields_.User(session));
  }

  /// Keeps the token of a CREATE's reply in the lane; abandons the flow when there is none.
  static Verdict TakeToken(Lane& lane, std::string_view reply) {
    ReplyWords words(reply);
    std::string_view word;
    while (words.Next(word)) {
      if (word == "token" && words.Next(word)) {
        lane.token.assign(word);
        return Verdict::kFine;
      }
    }
    return Verdict::kAbandon;
  }

  const WorkloadOptions& options_;
  SessionFields fields_;
  TokenTable& tokens_;
  Random random_;
  KeyChooser keys_;
};

class SessionCreate final : public SessionWorkload {
 public:
  SessionCreate(WorkloadContext& context, bool keep_tokens)
      : SessionWorkload(context, Distribution::kSequence), keep_tokens_(keep_tokens) {}

  Step Append(Lane& lane, std::string& out) override {
    lane.key = keys_.Next();
    AppendCreate(lane, out);
    return {};
  }

  Verdict Judge(Lane& lane, uint32_t, std::string_view reply) override {
    if (!keep_tokens_) return Verdict::kFine;
    const Verdict verdict = TakeToken(lane, reply);
    if (verdict == Verdict::kFine) tokens_.Set(lane.key, lane.token);
    return verdict;
  }

  [[nodiscard]] uint64_t PreloadFlows() const override { return options_.keys; }

 private:
  bool keep_tokens_;
};

class SessionGet final : public SessionWorkload {
 public:
  explicit SessionGet(WorkloadContext& context)
      : SessionWorkload(context, context.options.distribution) {}

  Step Append(Lane&, std::string& out) override {
    AppendRead(tokens_.Get(keys_.Next()), out);
    return {};
  }
};

class SessionMix final : public SessionWorkload {
 public:
  explicit SessionMix(WorkloadContext& context)
      : SessionWorkload(context, context.options.distribution) {}

  Step Append(Lane& lane, std::string& out) override {
    lane.key = keys_.Next();
    const std::string_view token = tokens_.Get(lane.key);
    switch (DrawMixAction(random_)) {
      case MixAction::kRead:
        AppendRead(token, out);
        break;
      case MixAction::kUpdate:
        AppendUpdate(token, out);
        break;
      case MixAction::kTouch:
        AppendRequest(out, "SESSION.TOUCH", token);
        break;
      case MixAction::kList:
        AppendList(lane.key, out);
        break;
    }
    return {};
  }
};

/// Create, five reads that slide, two updates of a field, the user's list, logout.
class LoginFlow final : public SessionWorkload {
 public:
  explicit LoginFlow(WorkloadContext& context)
      : SessionWorkload(context, context.options.distribution) {}

  Step Append(Lane& lane, std::string& out) override {
    constexpr uint32_t kUpdatesFrom = 1 + kLoginReads;
    constexpr uint32_t kList = kUpdatesFrom + kLoginUpdates;
    const uint32_t step = lane.step;
    if (step == 0) {
      lane.key = keys_.Next();
      AppendCreate(lane, out);
    } else if (step < kUpdatesFrom) {
      AppendRead(lane.token, out);
    } else if (step < kList) {
      AppendUpdate(lane.token, out);
    } else if (step == kList) {
      AppendList(lane.key, out);
    } else {
      AppendRequest(out, "SESSION.DESTROY", lane.token);
    }
    return {.last = step > kList};
  }

  Verdict Judge(Lane& lane, uint32_t index, std::string_view reply) override {
    return lane.step == 1 ? TakeToken(lane, reply) : Workload::Judge(lane, index, reply);
  }
};

template <typename Load>
WorkloadPair MakeWithTokens(WorkloadContext& context) {
  WorkloadPair pair;
  pair.load = std::make_unique<Load>(context);
  pair.preload = std::make_unique<SessionCreate>(context, true);
  pair.needs_tokens = true;
  return pair;
}

}  // namespace

WorkloadPair MakeSessionCreate(WorkloadContext& context) {
  WorkloadPair pair;
  pair.load = std::make_unique<SessionCreate>(context, false);
  pair.preload = std::make_unique<SessionCreate>(context, false);
  return pair;
}

WorkloadPair MakeSessionGet(WorkloadContext& context) {
  return MakeWithTokens<SessionGet>(context);
}

WorkloadPair MakeSessionMix(WorkloadContext& context) {
  return MakeWithTokens<SessionMix>(context);
}

WorkloadPair MakeLoginFlow(WorkloadContext& context) {
  WorkloadPair pair;
  pair.load = std::make_unique<LoginFlow>(context);
  pair.preload = std::make_unique<SessionCreate>(context, false);
  return pair;
}

}  // namespace cloakroom::bench
