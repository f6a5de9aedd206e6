#include "bench/load/string_workloads.h"

#include "bench/load/request_text.h"

namespace cloakroom::bench {
namespace {

class Ping final : public Workload {
 public:
  Step Append(Lane&, std::string& out) override {
    out += "*1\r\n$4\r\nPING\r\n";
    return {};
  }
};

/// A request written once; each sending copies it and patches the digits of the key in, and a piece
/// of random text where the value stands.
class StringCommand final : public Workload {
 public:
  enum class Verb : uint8_t { kGet, kSet };

  StringCommand(WorkloadContext& context, Verb verb, Distribution distribution)
      : options_(context.options),
        text_(context.text),
        keys_(distribution, options_.keys, options_.zipf_exponent, options_.seed),
        random_(options_.seed + 1) {
    const std::string key = "sess:" + std::string(kKeyDigits, '0');
    AppendHead(request_, verb == Verb::kGet ? 2 : options_.expire_seconds == 0 ? 3 : 5);
    AppendWord(request_, verb == Verb::kGet ? "GET" : "SET");
    AppendWord(request_, key);
    digits_at_ = request_.size() - 2 - kKeyDigits;
    if (verb == Verb::kGet) return;
    AppendWord(request_, std::string(options_.value_bytes, 'v'));
    value_at_ = request_.size() - 2 - options_.value_bytes;
    if (options_.expire_seconds == 0) return;
    AppendWord(request_, "EX");
    AppendWord(request_, options_.expire_seconds);
  }

  Step Append(Lane&, std::string& out) override {
    const size_t start = out.size();
    out += request_;
    char* const at = out.data() + start;
    WriteKeyDigits(keys_.Next(), at + digits_at_);
    if (value_at_ != 0) text_.Cut(random_, options_.value_bytes).copy(at + value_at_, kWhole);
    return {};
  }

  [[nodiscard]] uint64_t PreloadFlows() const override { return options_.keys; }

 private:
  static constexpr size_t kWhole = std::string_view::npos;

  const WorkloadOptions& options_;
  const TextPool& text_;
  KeyChooser keys_;
  Random random_;
  std::string request_;
  size_t digits_at_ = 0;
  size_t value_at_ = 0;  // 0: no value
};

using Verb = StringCommand::Verb;

WorkloadPair MakeString(WorkloadContext& context, Verb verb) {
  WorkloadPair pair;
  pair.load = std::make_unique<StringCommand>(context, verb, context.options.distribution);
  pair.preload = std::make_unique<StringCommand>(context, Verb::kSet, Distribution::kSequence);
  return pair;
}

}  // namespace

WorkloadPair MakePing(WorkloadContext&) {
  WorkloadPair pair;
  pair.load = std::make_unique<Ping>();
  return pair;
}

WorkloadPair MakeGet(WorkloadContext& context) { return MakeString(context, Verb::kGet); }

WorkloadPair MakeSet(WorkloadContext& context) { return MakeString(context, Verb::kSet); }

}  // namespace cloakroom::bench
