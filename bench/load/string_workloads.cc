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

/// What GET and SET have in common: a request written once, of which each sending copies what does
/// not change and patches the digits of the key in.
class StringCommand : public Workload {
 public:
  [[nodiscard]] uint64_t PreloadFlows() const override { return options_.keys; }

 protected:
  StringCommand(WorkloadContext& context, std::string_view verb, size_t words,
                Distribution distribution)
      : options_(context.options),
        keys_(distribution, options_.keys, options_.zipf_exponent, options_.seed) {
    AppendHead(request_, words);
    AppendWord(request_, verb);
    AppendWord(request_, "sess:" + std::string(kKeyDigits, '0'));
    digits_at_ = request_.size() - 2 - kKeyDigits;
  }

  /// Appends the request up to its key.
  void AppendVerbAndKey(std::string& out) {
    const size_t start = out.size();
    out += request_;
    WriteKeyDigits(options_.first_key + keys_.Next(), out.data() + start + digits_at_);
  }

  const WorkloadOptions& options_;

 private:
  KeyChooser keys_;
  std::string request_;
  size_t digits_at_ = 0;
};

class Get final : public StringCommand {
 public:
  explicit Get(WorkloadContext& context)
      : StringCommand(context, "GET", 2, context.options.distribution) {}

  Step Append(Lane&, std::string& out) override {
    AppendVerbAndKey(out);
    return {};
  }
};

class Set final : public StringCommand {
 public:
  Set(WorkloadContext& context, Distribution distribution)
      : StringCommand(context, "SET", Words(context.options), distribution),
        text_(context.text),
        random_(options_.seed + 1) {
    if (options_.expire_at_ms != 0) {
      AppendWord(deadline_, "PXAT");
      AppendWord(deadline_, options_.expire_at_ms);
    } else if (options_.expire_seconds != 0) {
      AppendWord(deadline_, "EX");
      AppendWord(deadline_, options_.expire_seconds);
    }
  }

  Step Append(Lane&, std::string& out) override {
    AppendVerbAndKey(out);
    size_t size = options_.value_bytes;
    if (options_.value_bytes_max > size) size += random_.Below(options_.value_bytes_max - size + 1);
    AppendWord(out, text_.Cut(random_, size));
    out += deadline_;
    return {};
  }

 private:
  static size_t Words(const WorkloadOptions& options) {
    return options.expire_at_ms != 0 || options.expire_seconds != 0 ? 5 : 3;
  }

  const TextPool& text_;
  Random random_;
  std::string deadline_;  // the last words of each request
};

}  // namespace

WorkloadPair MakePing(WorkloadContext&) {
  WorkloadPair pair;
  pair.load = std::make_unique<Ping>();
  return pair;
}

WorkloadPair MakeGet(WorkloadContext& context) {
  WorkloadPair pair;
  pair.load = std::make_unique<Get>(context);
  pair.preload = std::make_unique<Set>(context, Distribution::kSequence);
  return pair;
}

WorkloadPair MakeSet(WorkloadContext& context) {
  WorkloadPair pair;
  pair.load = std::make_unique<Set>(context, context.options.distribution);
  pair.preload = std::make_unique<Set>(context, Distribution::kSequence);
  return pair;
}

}  // namespace cloakroom::bench
