#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/base/check.h"
#include "store/image/image_loader.h"
#include "store/image/image_saver.h"
#include "store/op/write_batch.h"
#include "store/types/session.h"
#include "tests/support/manual_clock.h"
#include "tests/support/seeded_random.h"
#include "tests/support/sim_disk.h"

namespace cloakroom {
namespace {

constexpr TimeMs kNow = 1'700'000'000'000;
constexpr char kPath[] = "/images/one";

/// Letters and digits: nothing that zstd could make smaller.
std::string Text(SeededRandom& random, size_t size) {
  static constexpr std::string_view kChars =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::string text(size, ' ');
  for (char& c : text) c = kChars[random.Below(kChars.size())];
  return text;
}

/// `count` sessions, two a user, each with the six fields of cloakroom-bench.
std::unique_ptr<Keyspace> MakeSessions(int64_t count) {
  static constexpr std::pair<std::string_view, size_t> kFields[] = {
      {"uid", 9}, {"lang", 5}, {"role", 6}, {"cart", 24}, {"csrf", 32}, {"seen", 13}};
  auto keys = std::make_unique<Keyspace>(16, 1);
  SeededRandom random(1);
  WriteBatch batch;
  for (int64_t i = 0; i < count; ++i) {
    std::vector<std::string> values;
    std::vector<std::string_view> words;
    for (const auto& [name, size] : kFields) values.push_back(Text(random, size));
    for (size_t k = 0; k < values.size(); ++k) {
      words.push_back(kFields[k].first);
      words.push_back(values[k]);
    }
    const std::string user = "user:" + std::to_string(i / 2);
    SessionRequest request;
    request.ns = "shop";
    request.user = user;
    request.fields = WordSpan(words);
    const TimeMs now = kNow + i / 100;
    CHECK(CreateSession(keys->sessions(), request, now, random, batch));
    keys->Apply({static_cast<uint64_t>(i) + 1, 1, now}, batch.bytes(), batch.positions());
    batch.Clear();
  }
  return keys;
}

ImageHeader HeaderOf(int64_t count) {
  return {.sequence = static_cast<uint64_t>(count), .epoch = 1, .time_ms = kNow + count / 100};
}

void PerSession(benchmark::State& state, uint64_t bytes) {
  state.counters["bytes_each"] = static_cast<double>(bytes) / static_cast<double>(state.range(0));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

/// Question: what does an image cost the server, a session, packed and with its checksum? Redis's
/// dump of the same takes about 180 bytes each.
/// Args: live sessions; the level of zstd, 0: not packed.
void BM_ImageScan(benchmark::State& state) {
  const std::unique_ptr<Keyspace> keys = MakeSessions(state.range(0));
  uint64_t bytes = 0;
  for (auto _ : state) {
    ImageScan scan(*keys, HeaderOf(state.range(0)),
                   {.zstd_level = static_cast<int>(state.range(1))});
    bytes = 0;
    for (bool more = true; more;) {
      more = !scan.Step(256);
      bytes += scan.Take().size();
    }
  }
  PerSession(state, bytes);
}

/// Question: how long does a restart take, a session?
/// Args: as above.
void BM_ImageLoad(benchmark::State& state) {
  ManualClock clock;
  SimDisk disk(clock, 1);
  CHECK(disk.MakeDirectoryNow("/images"));
  uint64_t bytes = 0;
  {
    const std::unique_ptr<Keyspace> keys = MakeSessions(state.range(0));
    const auto saved = SaveImageNow(disk, *keys, HeaderOf(state.range(0)), kPath,
                                    static_cast<int>(state.range(1)));
    CHECK(saved);
    bytes = saved->bytes;
  }
  for (auto _ : state) {
    auto keys = std::make_unique<Keyspace>(16, 2);
    Result<ImageLoader> loader = ImageLoader::Open(disk, kPath);
    CHECK(loader);
    while (true) {
      const Result<bool> more = loader->Step(*keys, 1 << 20);
      CHECK(more);
      if (!*more) break;
    }
    CHECK(loader->entries() == static_cast<uint64_t>(state.range(0)));
    state.PauseTiming();
    keys.reset();
    state.ResumeTiming();
  }
  PerSession(state, bytes);
}

BENCHMARK(BM_ImageScan)
    ->Args({1024, 1})
    ->Args({1 << 20, 0})
    ->Args({1 << 20, -5})
    ->Args({1 << 20, -1})
    ->Args({1 << 20, 1});
BENCHMARK(BM_ImageLoad)->Args({1024, 1})->Args({1 << 20, 0})->Args({1 << 20, 1});

}  // namespace
}  // namespace cloakroom
