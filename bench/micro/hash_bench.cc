#include <benchmark/benchmark.h>

#include <string>

#include "store/base/hash.h"
#include "store/base/position.h"

namespace cloakroom {
namespace {

std::string KeyOf(size_t bytes) {
  std::string key;
  while (key.size() < bytes) key += "sess:4f1d9a77c3";
  key.resize(bytes);
  return key;
}

// 37: a prefix and 32 hex digits.
void Sizes(benchmark::internal::Benchmark* bench) { bench->Arg(8)->Arg(37)->Arg(64)->Arg(255); }

/// Question: what does a key's slot cost? Every command needs it.
/// Arg: bytes of the key.
void BM_Slot(benchmark::State& state) {
  std::string key = KeyOf(static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(key.data());
    benchmark::DoNotOptimize(SlotOf(key));
  }
}
BENCHMARK(BM_Slot)->Apply(Sizes);

/// Question: and the keyed hash that orders the entries of a slot?
/// Arg: bytes of the key.
void BM_KeyedHash(benchmark::State& state) {
  std::string key = KeyOf(static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(key.data());
    benchmark::DoNotOptimize(HashBytes(key, 42));
  }
}
BENCHMARK(BM_KeyedHash)->Apply(Sizes);

/// Question: does a {tag} make the slot cheaper or dearer? It is looked for, but less is summed.
/// Arg: bytes of the key, of which the tag has six.
void BM_SlotOfTag(benchmark::State& state) {
  std::string key = "{user1}" + KeyOf(static_cast<size_t>(state.range(0)) - 7);
  for (auto _ : state) {
    benchmark::DoNotOptimize(key.data());
    benchmark::DoNotOptimize(SlotOf(key));
  }
}
BENCHMARK(BM_SlotOfTag)->Apply(Sizes);

}  // namespace
}  // namespace cloakroom
