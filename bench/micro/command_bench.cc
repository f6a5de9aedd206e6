#include <benchmark/benchmark.h>

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "redis_compat/modules/all_modules.h"
#include "tests/support/harness.h"

namespace cloakroom {
namespace {

/// A shard with `count` keys that one command each has made; commands then go round them.
class Commands {
 public:
  using Words = std::vector<std::string>;
  /// The words of a command for key number i.
  using Make = Words (*)(size_t i);

  Commands(int64_t count, Make prepare, Make measured) {
    for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
      if (prepare != nullptr) harness_.Run(prepare(i));
      words_.push_back(measured(i));
      views_.emplace_back(words_.back().begin(), words_.back().end());
    }
  }

  /// As a turn does it: look up and hash, then execute.
  void Measure(benchmark::State& state) {
    std::string out;
    size_t i = 0;
    harness_.shard.BeginTurn();
    for (auto _ : state) {
      const Args args(views_[i]);
      const Dispatcher::Prepared prepared = harness_.dispatcher.Prepare(harness_.client(), args);
      out.clear();
      harness_.dispatcher.Execute(harness_.client(), args, prepared, out);
      benchmark::DoNotOptimize(out.data());
      if (++i == views_.size()) i = 0;
    }
    if (!out.empty() && out[0] == '-') state.SkipWithError(out.c_str());
  }

 private:
  Harness harness_{RegisterStrings, RegisterHashes, RegisterSets};
  std::deque<Words> words_;  // the views stay good
  std::vector<std::vector<std::string_view>> views_;
};

std::string Key(size_t i) { return "session:" + std::to_string(i * 2654435761U % (1U << 30)); }

Commands::Words MakeString(size_t i) { return {"SET", Key(i), std::string(100, 'v')}; }
Commands::Words MakeHash(size_t i) {
  return {"HSET", Key(i), "user", "ana", "seen", "1700000000", "cart", "12,77,103", "hits", "1"};
}
Commands::Words MakeSet(size_t i) { return {"SADD", Key(i), "admin", "editor", "viewer"}; }

void Sizes(benchmark::internal::Benchmark* bench) { bench->Arg(1 << 10)->Arg(1 << 18); }

/// Question: what does a command cost from its words to its reply, with all of dispatch, commit,
/// log and apply, but no socket? Arg (of all below): keys. Compare with the pings of a whole
/// server to see what the network takes.
void BM_CommandGet(benchmark::State& state) {
  Commands(state.range(0), MakeString, [](size_t i) -> Commands::Words {
    return {"GET", Key(i)};
  }).Measure(state);
}
BENCHMARK(BM_CommandGet)->Apply(Sizes);

/// Question: what does the write path add to that?
void BM_CommandSet(benchmark::State& state) {
  Commands(state.range(0), MakeString, MakeString).Measure(state);
}
BENCHMARK(BM_CommandSet)->Apply(Sizes);

/// Question: what does a session kept as a small packed hash cost to read whole?
void BM_CommandHGetAll(benchmark::State& state) {
  Commands(state.range(0), MakeHash, [](size_t i) -> Commands::Words {
    return {"HGETALL", Key(i)};
  }).Measure(state);
}
BENCHMARK(BM_CommandHGetAll)->Apply(Sizes);

/// Question: and to change in one field, in place?
void BM_CommandHIncrBy(benchmark::State& state) {
  Commands(state.range(0), MakeHash, [](size_t i) -> Commands::Words {
    return {"HINCRBY", Key(i), "hits", "1"};
  }).Measure(state);
}
BENCHMARK(BM_CommandHIncrBy)->Apply(Sizes);

/// Question: what does a membership test of a small set cost?
void BM_CommandSIsMember(benchmark::State& state) {
  Commands(state.range(0), MakeSet, [](size_t i) -> Commands::Words {
    return {"SISMEMBER", Key(i), "viewer"};
  }).Measure(state);
}
BENCHMARK(BM_CommandSIsMember)->Apply(Sizes);

}  // namespace
}  // namespace cloakroom
