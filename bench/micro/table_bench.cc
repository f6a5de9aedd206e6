#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "store/base/chunk_arena.h"
#include "store/base/hash.h"
#include "store/table/table.h"

namespace cloakroom {
namespace {

constexpr uint64_t kHashSeed = 42;
constexpr size_t kValueBytes = 64;

Position Locate(const void* /*context*/, std::string_view key) {
  return {SlotOf(key), HashBytes(key, kHashSeed)};
}

/// Keys as session stores use them, in a random order that the seed fixes, positions known.
class Keys {
 public:
  Keys(size_t count, std::string_view prefix) {
    std::mt19937_64 random(7);
    texts_.reserve(count);
    for (size_t i = 0; i < count; ++i) texts_.push_back(std::string(prefix) + std::to_string(i));
    std::shuffle(texts_.begin(), texts_.end(), random);
    refs_.reserve(count);
    for (const std::string& text : texts_) refs_.push_back({text, Locate(nullptr, text)});
  }
  [[nodiscard]] const KeyRef& operator[](size_t i) const { return refs_[i]; }
  [[nodiscard]] size_t size() const { return refs_.size(); }

 private:
  std::vector<std::string> texts_;
  std::vector<KeyRef> refs_;
};

std::unique_ptr<Table> EmptyTable() {
  Table::Options options;
  options.locate = Locate;
  return std::make_unique<Table>(options);
}

void Insert(Table& table, const KeyRef& key) {
  Entry* entry = table.Insert(key, ValueType::kString, Encoding::kPlain, kValueBytes);
  std::memset(entry->value_data(), 'v', kValueBytes);
}

/// Has a huge page ready for each new region, as the server's thread does.
void MakeHugePage() {
  auto* const page = static_cast<char*>(ChunkArena::MapForHugePage());
  page[0] = 1;
  ChunkArena::Get().AddHugePage(page);
}

std::unique_ptr<Table> FilledTable(const Keys& keys) {
  auto table = EmptyTable();
  ChunkArena::Get().OnWantsHugePage(MakeHugePage);
  for (size_t i = 0; i < keys.size(); ++i) Insert(*table, keys[i]);
  ChunkArena::Get().OnWantsHugePage(nullptr);
  return table;
}

// Multiples of the groups below. The largest wants 3 GB.
void Sizes(benchmark::internal::Benchmark* bench) {
  bench->Arg(1 << 10)->Arg(1 << 17)->Arg(1 << 20)->Arg(10'000'000);
}

/// Question: what does a lookup cost, and what once the table outgrows the cache?
/// Arg: entries. The keys stand in an order of their own, so that only the table is missed.
void BM_TableFind(benchmark::State& state) {
  const Keys keys(static_cast<size_t>(state.range(0)), "session:");
  const auto table = FilledTable(keys);
  size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(table->Find(keys[i]));
    if (++i == keys.size()) i = 0;
  }
}
BENCHMARK(BM_TableFind)->Apply(Sizes);

/// Question: what does it cost to learn that a key is not there? Tags should spare the entries.
/// Arg: entries.
void BM_TableFindAbsent(benchmark::State& state) {
  const Keys keys(static_cast<size_t>(state.range(0)), "session:");
  const Keys absent(keys.size(), "absent:");
  const auto table = FilledTable(keys);
  size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(table->Find(absent[i]));
    if (++i == absent.size()) i = 0;
  }
}
BENCHMARK(BM_TableFindAbsent)->Apply(Sizes);

/// Question: how much of a lookup do the two prefetch steps of a turn hide?
/// Arg: entries. Time is that of a group of 16 lookups; compare with 16 of BM_TableFind.
void BM_TableFindPrefetched(benchmark::State& state) {
  constexpr size_t kGroup = 16;
  const Keys keys(static_cast<size_t>(state.range(0)), "session:");
  const auto table = FilledTable(keys);
  size_t first = 0;
  for (auto _ : state) {
    for (size_t i = 0; i < kGroup; ++i) table->PrefetchBucket(keys[first + i].position);
    for (size_t i = 0; i < kGroup; ++i) table->PrefetchEntry(keys[first + i].position);
    for (size_t i = 0; i < kGroup; ++i) benchmark::DoNotOptimize(table->Find(keys[first + i]));
    first = (first + kGroup) % keys.size();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kGroup));
}
BENCHMARK(BM_TableFindPrefetched)->Apply(Sizes);

/// Question: what does an insert cost on the way from empty, splits included?
/// Arg: entries at the end. Items are inserts.
void BM_TableFill(benchmark::State& state) {
  const Keys keys(static_cast<size_t>(state.range(0)), "session:");
  for (auto _ : state) {
    auto table = FilledTable(keys);
    state.PauseTiming();
    state.counters["bytes_each"] =
        static_cast<double>(table->memory().Total()) / static_cast<double>(keys.size());
    table.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_TableFill)->Apply(Sizes)->Unit(benchmark::kMillisecond);

/// Question: what does it cost to erase all, in another order than they came, with what Compact
/// does meanwhile?
/// Arg: entries at the start. Items are entries.
void BM_TableErase(benchmark::State& state) {
  const Keys keys(static_cast<size_t>(state.range(0)), "session:");
  std::vector<uint32_t> order(keys.size());
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), std::mt19937_64(8));
  for (auto _ : state) {
    state.PauseTiming();
    auto table = FilledTable(keys);
    state.ResumeTiming();
    size_t erased = 0;
    for (const uint32_t i : order) {
      table->Erase(keys[i], table->Find(keys[i]));
      if (++erased % 64 == 0) (void)table->Compact(64);
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_TableErase)->Apply(Sizes)->Unit(benchmark::kMillisecond);

/// Question: what does turnover cost at a steady size, one entry out and one in?
/// Arg: entries.
void BM_TableTurnover(benchmark::State& state) {
  const Keys keys(static_cast<size_t>(state.range(0)) * 2, "session:");
  const size_t live = keys.size() / 2;
  const auto table = EmptyTable();
  for (size_t i = 0; i < live; ++i) Insert(*table, keys[i]);
  size_t oldest = 0;
  for (auto _ : state) {
    const KeyRef& out = keys[oldest];
    table->Erase(out, table->Find(out));
    Insert(*table, keys[(oldest + live) % keys.size()]);
    oldest = (oldest + 1) % keys.size();
  }
}
BENCHMARK(BM_TableTurnover)->Apply(Sizes);

}  // namespace
}  // namespace cloakroom
