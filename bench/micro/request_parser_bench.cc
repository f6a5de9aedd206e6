#include <benchmark/benchmark.h>

#include <initializer_list>
#include <string>
#include <string_view>

#include "redis_compat/resp/request_parser.h"

namespace cloakroom {
namespace {

std::string Request(std::initializer_list<std::string_view> words) {
  std::string out = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string_view word : words)
    out += "$" + std::to_string(word.size()) + "\r\n" + std::string(word) + "\r\n";
  return out;
}

std::string Repeated(const std::string& text, int64_t times) {
  std::string out;
  for (int64_t i = 0; i < times; ++i) out += text;
  return out;
}

/// Parses all of `input`, as a connection does with what one read gave it.
void ParseAll(benchmark::State& state, const std::string& input, int64_t requests) {
  RequestParser parser;
  const RequestLimits limits;
  RequestWords words;
  for (auto _ : state) {
    std::string_view rest = input;
    words.Clear();
    while (!rest.empty()) {
      const RequestParser::Step step = parser.Next(rest, limits, words);
      if (step.status != RequestParser::Status::kRequest) return state.SkipWithError("refused");
      rest.remove_prefix(step.consumed);
    }
    benchmark::DoNotOptimize(words.views.data());
  }
  state.SetItemsProcessed(state.iterations() * requests);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(input.size()));
}

/// Question: what does the parser take from a command's budget, alone and in a pipeline?
/// Arg: requests in one read. Items are requests.
void BM_ParseGet(benchmark::State& state) {
  ParseAll(state, Repeated(Request({"GET", "session:0123456789abcdef"}), state.range(0)),
           state.range(0));
}
BENCHMARK(BM_ParseGet)->Arg(1)->Arg(64);

/// Question: the same for a write with options and a value of a usual session's size.
/// Arg: requests in one read.
void BM_ParseSet(benchmark::State& state) {
  const std::string value(512, 'v');
  ParseAll(
      state,
      Repeated(Request({"SET", "session:0123456789abcdef", value, "EX", "1800"}), state.range(0)),
      state.range(0));
}
BENCHMARK(BM_ParseSet)->Arg(1)->Arg(64);

/// Question: what does a large value cost, whose bytes should not be looked at?
/// Arg: KiB of the value.
void BM_ParseLargeValue(benchmark::State& state) {
  const std::string value(static_cast<size_t>(state.range(0)) << 10, 'v');
  ParseAll(state, Request({"SET", "k", value}), 1);
}
BENCHMARK(BM_ParseLargeValue)->Arg(1)->Arg(1024);

}  // namespace
}  // namespace cloakroom
