#include "bench/load/options.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <vector>

namespace cloakroom::bench {
namespace {

ParsedOptions Parse(std::vector<const char*> words) {
  words.insert(words.begin(), "cloakroom-bench");
  return ParseOptions(static_cast<int>(words.size()), words.data());
}

/// What is wrong with options that each alone are fine; empty: nothing.
std::string Objection(const std::vector<const char*>& words) {
  const ParsedOptions parsed = Parse(words);
  EXPECT_FALSE(parsed.exit_code.has_value());
  const auto checked = CheckOptions(parsed.options);
  return checked ? "" : checked.error().message;
}

TEST(OptionsTest, DefaultsAreFiftyClientsThatGet) {
  const ParsedOptions parsed = Parse({});
  ASSERT_FALSE(parsed.exit_code.has_value());
  EXPECT_EQ(parsed.options.workload, "get");
  EXPECT_EQ(parsed.options.clients, 50u);
  EXPECT_EQ(parsed.options.requests, 100'000u);
  EXPECT_EQ(Objection({}), "");
}

TEST(OptionsTest, EachOptionReachesItsPlace) {
  const ParsedOptions parsed = Parse({"--workload",
                                      "login-flow",
                                      "--clients",
                                      "3",
                                      "--pipeline",
                                      "4",
                                      "--duration",
                                      "1.5",
                                      "--rate",
                                      "250",
                                      "--keys",
                                      "77",
                                      "--distribution",
                                      "zipf",
                                      "--zipf-exponent",
                                      "1.1",
                                      "--expire",
                                      "60",
                                      "--seed",
                                      "9",
                                      "--user-agent-size",
                                      "200",
                                      "--field-size",
                                      "40",
                                      "--field-count",
                                      "20",
                                      "--await-each"});
  ASSERT_FALSE(parsed.exit_code.has_value());
  const Options& options = parsed.options;
  EXPECT_EQ(options.workload, "login-flow");
  EXPECT_EQ(options.clients, 3u);
  EXPECT_EQ(options.pipeline, 4u);
  EXPECT_EQ(options.requests, 0u) << "a duration stands for itself";
  EXPECT_EQ(options.duration_seconds, 1.5);
  EXPECT_EQ(options.rate, 250);
  EXPECT_EQ(options.load.keys, 77u);
  EXPECT_EQ(options.load.distribution, Distribution::kZipf);
  EXPECT_EQ(options.load.zipf_exponent, 1.1);
  EXPECT_EQ(options.load.expire_seconds, 60u);
  EXPECT_EQ(options.load.seed, 9u);
  EXPECT_EQ(options.load.user_agent_bytes, 200u);
  EXPECT_EQ(options.load.field_bytes, 40u);
  EXPECT_EQ(options.load.field_count, 20u);
  EXPECT_TRUE(options.await_each);
}

// A typing error must not become a run that measured something else.
TEST(OptionsTest, RefusesWhatIsOutOfRangeOrUnknown) {
  const std::vector<std::vector<const char*>> refused = {
      {"--clients", "0"},
      {"--clients", "-1"},
      {"--pipeline", "0"},
      {"--requests", "10k"},
      {"--requests", "0"},
      {"--duration", "0"},
      {"--duration", "nan"},
      {"--rate", "-5"},
      {"--keys", "0"},
      {"--keys", "1.5"},
      {"--distribution", "normal"},
      {"--zipf-exponent", "0"},
      {"--value-size", "2000000"},
      {"--workload", "nonsense"},
      {"--send", "sometimes"},
      {"--port", "65536"},
      {"--server-pid", "x"},
      {"--seed", "-1"},
      {"--colour"},
      {"surplus"},
  };
  for (const auto& words : refused) {
    const ParsedOptions parsed = Parse(words);
    ASSERT_TRUE(parsed.exit_code.has_value()) << words[0];
    EXPECT_NE(*parsed.exit_code, 0) << words[0];
  }
  EXPECT_EQ(Parse({"--help"}).exit_code, 0);
}

// Tokens are the server's to mint: without a file of them, only a preload of this run knows any.
TEST(OptionsTest, WhoShowsTokensFillsFirstUnlessItIsGivenThem) {
  EXPECT_TRUE(Parse({"--workload", "session-get"}).options.preload);
  EXPECT_TRUE(Parse({"--workload", "session-mix"}).options.preload);
  EXPECT_FALSE(Parse({"--workload", "session-mix", "--tokens", "file"}).options.preload);
  EXPECT_FALSE(Parse({"--workload", "login-flow"}).options.preload);
}

TEST(OptionsTest, NamesWhatDoesNotGoTogether) {
  EXPECT_EQ(Objection({"--requests", "5", "--duration", "1"}),
            "--requests and --duration exclude each other");
  EXPECT_EQ(Objection({"--workload", "ping", "--preload"}),
            "--preload: the workload ping has no keys to fill");
  EXPECT_EQ(Objection({"--rate", "5", "--send", "window"}),
            "--send window: with --rate the schedule says when to send");
  EXPECT_EQ(Objection({"--tokens", "file"}),
            "--tokens: only session-get and session-mix show minted tokens");
  EXPECT_EQ(Objection({"--workload", "session-mix"}), "");
  EXPECT_EQ(Objection({"--expire", "5", "--expire-at", "99"}),
            "--expire and --expire-at exclude each other");
  EXPECT_EQ(Objection({"--value-size", "9", "--value-size-max", "8"}),
            "--value-size-max 8 is below --value-size 9");
  EXPECT_EQ(Objection({"--workload", "login-flow", "--first-key", "1"}),
            "--first-key, --expire-at and --value-size-max: only get and set know them");
  EXPECT_EQ(Objection({"--preload-only", "--json", "file"}),
            "--preload-only measures nothing to write to --json or --svg");
  EXPECT_EQ(Objection({"--server-pid", "1073741824"}),
            "--server-pid 1073741824: no such process here");
  EXPECT_EQ(Objection({"--server-pid", std::to_string(getpid()).c_str()}), "");
}

}  // namespace
}  // namespace cloakroom::bench
