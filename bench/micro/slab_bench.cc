#include <benchmark/benchmark.h>

#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include "store/table/slab_heap.h"

namespace cloakroom {
namespace {

// What strings and sessions take: 100 to 400 bytes.
std::vector<size_t> DrawSizes(size_t count) {
  std::mt19937_64 random(11);
  std::vector<size_t> sizes(count);
  for (size_t& size : sizes) size = 100 + random() % 301;
  return sizes;
}

// Byte 6 of a block in use is never 0xFF.
void Use(Block block) { std::memset(block.at, 1, 16); }

/// Question: what does a block cost on the way from an empty heap, pages included, and how much of
/// the pages is blocks?
/// Arg: blocks at the end. Items are blocks.
void BM_SlabFill(benchmark::State& state) {
  const auto sizes = DrawSizes(static_cast<size_t>(state.range(0)));
  std::vector<Block> blocks(sizes.size());
  for (auto _ : state) {
    SlabHeap heap;
    for (size_t i = 0; i < sizes.size(); ++i) Use(blocks[i] = heap.Allocate(sizes[i]));
    state.PauseTiming();
    state.counters["fill"] = static_cast<double>(heap.slab_used_bytes() + heap.own_bytes()) /
                             static_cast<double>(heap.page_bytes() + heap.own_bytes());
    for (const Block block : blocks) heap.Free(block);
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_SlabFill)->Arg(1 << 10)->Arg(1 << 20)->Unit(benchmark::kMillisecond);

/// Question: what does it cost to replace a block by one of another size, anywhere in the heap?
/// Arg: blocks in the heap.
void BM_SlabReplace(benchmark::State& state) {
  const auto sizes = DrawSizes(static_cast<size_t>(state.range(0)));
  const auto fresh = DrawSizes(sizes.size() * 3 / 2);
  std::vector<Block> blocks(sizes.size());
  SlabHeap heap;
  for (size_t i = 0; i < sizes.size(); ++i) Use(blocks[i] = heap.Allocate(sizes[i]));
  std::mt19937_64 random(12);
  size_t next = 0;
  for (auto _ : state) {
    Block& block = blocks[random() % blocks.size()];
    heap.Free(block);
    Use(block = heap.Allocate(fresh[next]));
    if (++next == fresh.size()) next = 0;
  }
  for (const Block block : blocks) heap.Free(block);
}
BENCHMARK(BM_SlabReplace)->Arg(1 << 10)->Arg(1 << 20);

/// Question: the same with malloc, which the slabs stand in for.
/// Arg: blocks.
void BM_MallocReplace(benchmark::State& state) {
  const auto sizes = DrawSizes(static_cast<size_t>(state.range(0)));
  const auto fresh = DrawSizes(sizes.size() * 3 / 2);
  std::vector<void*> blocks(sizes.size());
  for (size_t i = 0; i < sizes.size(); ++i) Use({blocks[i] = std::malloc(sizes[i])});
  std::mt19937_64 random(12);
  size_t next = 0;
  for (auto _ : state) {
    void*& block = blocks[random() % blocks.size()];
    std::free(block);
    Use({block = std::malloc(fresh[next])});
    if (++next == fresh.size()) next = 0;
  }
  for (void* const block : blocks) std::free(block);
}
BENCHMARK(BM_MallocReplace)->Arg(1 << 10)->Arg(1 << 20);

}  // namespace
}  // namespace cloakroom
