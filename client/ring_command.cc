#include "client/ring_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/ring_draw.h"
#include "client/ring_simulate.h"

namespace cloakroom {
namespace {

constexpr int64_t kKeysMax = 10'000'000'000;
// Why: more shards than slots cannot all have one.
constexpr int64_t kShardsMax = kSlotCount;

constexpr const char* kSimulateHelp =
    "Count the keys that change shard when shards join or leave, under each way to shard.\n"
    "  moved    keys whose shard is another one after the change\n"
    "  optimum  the least number of keys that must move from level shares to level shares: for\n"
    "           shards that join, their part of the new total weight times the keys; for shards\n"
    "           that leave, their part of the old one\n"
    "  largest  the fullest shard's keys over its fair share by weight, before and after;\n"
    "           1.00 is fair\n"
    "Shards are numbered from 0. Those that leave are the last ones; those that join get new\n"
    "numbers. Keys that are drawn spread by chance, so even a level plan shows small differences.";

struct RingArguments {
  int64_t shards = 10;
  int64_t add = 0;
  int64_t remove = 0;
  int64_t vnodes = kVirtualNodes;
  std::string weights;
  std::string strategy;
  std::string keys;
  std::string output;
  int64_t count = 1'000'000;
  uint64_t seed = 1;
};

// Reads "2", "0.5" or "1.125" as thousandths.
std::optional<Weight> ParseWeight(std::string_view text) {
  uint64_t value = 0;
  int decimals = -1;
  size_t digits = 0;
  for (const char c : text) {
    if (c == '.' && decimals < 0) {
      decimals = 0;
    } else if (c >= '0' && c <= '9' && decimals < 3 && value <= kWeightMax) {
      value = value * 10 + static_cast<uint64_t>(c - '0');
      ++digits;
      if (decimals >= 0) ++decimals;
    } else {
      return std::nullopt;
    }
  }
  if (digits == 0) return std::nullopt;
  for (int i = decimals < 0 ? 0 : decimals; i < 3; ++i) value *= 10;
  if (value > kWeightMax) return std::nullopt;
  return static_cast<Weight>(value);
}

// The weights of --weights: one for each shard there is, and, if given, for each that joins.
Result<std::vector<Weight>> ParseWeights(const RingArguments& arguments) {
  const auto shards = static_cast<size_t>(arguments.shards);
  const auto all = static_cast<size_t>(arguments.shards + arguments.add);
  std::vector<Weight> weights;
  if (!arguments.weights.empty()) {
    for (const std::string& text : CLI::detail::split(arguments.weights, ',')) {
      const auto weight = ParseWeight(text);
      if (!weight)
        return Fail(Code::kInvalid,
                    "--weights: \"{}\" is not a weight: a number from 0 to {} with at most 3 "
                    "decimals",
                    text, kWeightMax / kWeightOne);
      weights.push_back(*weight);
    }
    if (weights.size() != shards && weights.size() != all)
      return Fail(Code::kInvalid, "--weights: {} weights for {} shards", weights.size(),
                  all == shards ? fmt::format("{}", shards)
                                : fmt::format("{} (or {} with those that join)", shards, all));
  }
  weights.resize(all, kWeightOne);
  return weights;
}

struct Change {
  ShardList before;
  ShardList after;
};

Result<Change> ReadChange(const RingArguments& arguments) {
  if (arguments.remove >= arguments.shards + arguments.add || arguments.remove > arguments.shards)
    return Fail(Code::kOutOfRange, "--remove: {} of {} shards would leave none to own the keys",
                arguments.remove, arguments.shards);
  TRY(const std::vector<Weight> weights, ParseWeights(arguments));
  Change change;
  uint64_t points = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const WeightedShard shard{static_cast<ShardId>(i), weights[i]};
    const auto shards = static_cast<size_t>(arguments.shards);
    if (i < shards) change.before.push_back(shard);
    if (i >= shards || i < shards - static_cast<size_t>(arguments.remove))
      change.after.push_back(shard);
    points += VirtualNodesOf(shard.weight, static_cast<uint32_t>(arguments.vnodes));
  }
  if (points > kRingPointsMax)
    return Fail(Code::kOutOfRange, "--vnodes: {} virtual nodes in all, at most {}", points,
                kRingPointsMax);
  if (auto checked = CheckShards(change.before); !checked)
    return Fail(checked.error().code, "--weights: {}", checked.error().message);
  if (auto checked = CheckShards(change.after); !checked)
    return Fail(checked.error().code, "--weights: after the change {}", checked.error().message);
  return change;
}

// One key a line; line ends are no part of a key, and empty lines are none.
Result<void> AddKeys(RingSimulation& simulation, const std::string& name) {
  std::ifstream file;
  if (name != "-") {
    file.open(name);
    if (!file) return Fail(Code::kUnavailable, "--keys: {}: {}", name, std::strerror(errno));
  }
  std::istream& in = name == "-" ? std::cin : file;
  std::string line;
  while (std::getline(in, line)) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) simulation.Add(line);
  }
  if (in.bad()) return Fail(Code::kUnavailable, "--keys: {}: cannot be read", name);
  if (simulation.keys() == 0) return Fail(Code::kInvalid, "--keys: {}: there is no key", name);
  return {};
}

Result<std::string> Simulate(const RingArguments& arguments) {
  TRY(const Change change, ReadChange(arguments));
  std::vector<Strategy> strategies(std::begin(kStrategies), std::end(kStrategies));
  if (!arguments.strategy.empty()) strategies = {StrategyNamed(arguments.strategy).value()};
  TRY(RingSimulation simulation, RingSimulation::Make(strategies, change.before, change.after,
                                                      static_cast<uint32_t>(arguments.vnodes)));
  if (arguments.keys.empty()) {
    AddDrawnKeys(simulation, static_cast<uint64_t>(arguments.count), arguments.seed);
  } else {
    TRY_VOID(AddKeys(simulation, arguments.keys));
  }
  const auto outcomes = simulation.Outcomes();
  return arguments.strategy.empty() ? OutcomeTable(outcomes) : OutcomeText(outcomes.front());
}

Result<std::string> Draw(const RingArguments& arguments) {
  TRY(const Change change, ReadChange(arguments));
  return DrawRing(change.before, static_cast<uint32_t>(arguments.vnodes));
}

// Writes to the file, or to standard output when no name is given.
Result<void> Write(const std::string& text, const std::string& name) {
  const bool to_file = !name.empty() && name != "-";
  std::FILE* out = to_file ? std::fopen(name.c_str(), "wb") : stdout;
  if (out == nullptr) return Fail(Code::kUnavailable, "{}: {}", name, std::strerror(errno));
  const bool written = std::fwrite(text.data(), 1, text.size(), out) == text.size();
  const bool flushed = (to_file ? std::fclose(out) : std::fflush(out)) == 0;
  if (written && flushed) return {};
  return Fail(Code::kUnavailable, "{}: {}", to_file ? name : "standard output",
              std::strerror(errno));
}

void AddSharedOptions(CLI::App& app, RingArguments& arguments) {
  app.add_option("--shards", arguments.shards, "How many shards there are")
      ->check(CLI::Range(int64_t{1}, kShardsMax))
      ->capture_default_str();
  app.add_option("--vnodes", arguments.vnodes, "Virtual nodes of a shard of weight 1")
      ->check(CLI::Range(int64_t{1}, int64_t{kVirtualNodesMax}))
      ->capture_default_str();
  app.add_option("--weights", arguments.weights,
                 "The shards' weights, as 1,1,2.5 (0 is drained); default: 1 for each");
}

}  // namespace

int RunRingCommand(int argc, const char* const* argv) {
  RingArguments arguments;
  CLI::App app("Shards on a ring: measure and draw how keys are placed", "cloakroom-cli ring");
  app.require_subcommand(1);

  CLI::App* simulate = app.add_subcommand("simulate", kSimulateHelp);
  AddSharedOptions(*simulate, arguments);
  auto* add = simulate->add_option("--add", arguments.add,
                                   "How many shards join; 1 if nothing else is asked for");
  add->check(CLI::Range(int64_t{0}, kShardsMax));
  auto* remove = simulate->add_option("--remove", arguments.remove, "How many shards leave");
  remove->check(CLI::Range(int64_t{0}, kShardsMax));
  std::vector<std::string> names;
  for (const Strategy strategy : kStrategies) names.emplace_back(StrategyName(strategy));
  simulate
      ->add_option("--strategy", arguments.strategy, "One way to shard; default: a table of all")
      ->check(CLI::IsMember(names));
  auto* keys = simulate->add_option("--keys", arguments.keys,
                                    "A file with one key a line, - for standard input; "
                                    "default: draw keys");
  simulate->add_option("--count", arguments.count, "How many keys to draw")
      ->check(CLI::Range(int64_t{1}, kKeysMax))
      ->capture_default_str()
      ->excludes(keys);
  simulate->add_option("--seed", arguments.seed, "Which keys to draw")
      ->capture_default_str()
      ->excludes(keys);

  CLI::App* draw =
      app.add_subcommand("draw", "Draw the ring as an SVG, an arc in its owner's colour");
  AddSharedOptions(*draw, arguments);
  draw->add_option("-o,--output", arguments.output, "The file to write; default: standard output");

  // CLI11 would only say that a subcommand is missing.
  if (argc > 2 && argv[2][0] != '-' && !simulate->check_name(argv[2]) &&
      !draw->check_name(argv[2])) {
    fmt::print(stderr, "cloakroom-cli ring: \"{}\" is neither simulate nor draw\n", argv[2]);
    return 2;
  }
  try {
    app.parse(argc - 1, argv + 1);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (add->count() + remove->count() == 0 && simulate->parsed()) arguments.add = 1;
  const bool drawing = draw->parsed();
  const Result<std::string> text = drawing ? Draw(arguments) : Simulate(arguments);
  if (!text) {
    fmt::print(stderr, "cloakroom-cli ring: {}\n", text.error().message);
    return text.error().code == Code::kUnavailable ? 1 : 2;
  }
  if (const auto written = Write(*text, arguments.output); !written) {
    fmt::print(stderr, "cloakroom-cli ring: {}\n", written.error().message);
    return 1;
  }
  return 0;
}

}  // namespace cloakroom
