#include <benchmark/benchmark.h>

#include <string>

#include "redis_compat/command/reply.h"

namespace cloakroom {
namespace {

/// Question: what does it cost to write a value, and from which size on is it only the copy?
/// Arg: bytes of the value.
void BM_ReplyBulk(benchmark::State& state) {
  const std::string value(static_cast<size_t>(state.range(0)), 'v');
  std::string out;
  for (auto _ : state) {
    out.clear();
    benchmark::DoNotOptimize(Reply(out, 2).Bulk(value));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(out.size()));
}
BENCHMARK(BM_ReplyBulk)->Arg(16)->Arg(512)->Arg(65536);

/// Question: what does an element of a large flat reply cost (SMEMBERS, HGETALL)?
/// Arg: elements. Items are elements.
void BM_ReplyArray(benchmark::State& state) {
  std::string out;
  for (auto _ : state) {
    out.clear();
    Reply reply(out, 2);
    reply.Array(static_cast<size_t>(state.range(0)));
    for (int64_t i = 0; i < state.range(0); ++i) reply.Bulk("member");
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_ReplyArray)->Arg(16)->Arg(4096);

}  // namespace
}  // namespace cloakroom
