#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/seeded_random.h"

namespace cloakroom {

/// Draws commands that write, of every kind there is, and some that read: over a few keys,
/// databases, users and tokens, so that they meet each other. What a reply tells (a token, a dumped
/// value) turns up in later commands.
class RandomCommands {
 public:
  using Words = std::vector<std::string>;

  RandomCommands(SeededRandom& random, uint32_t databases)
      : random_(random), databases_(databases) {}

  [[nodiscard]] Words Next();
  /// What `words` was answered.
  void Learn(const Words& words, std::string_view reply);

 private:
  [[nodiscard]] bool Chance(uint64_t percent) { return random_.Below(100) < percent; }
  [[nodiscard]] const std::string& Any(const std::vector<std::string>& of) {
    return of[random_.Below(of.size())];
  }
  [[nodiscard]] std::string Number(uint64_t below) { return std::to_string(random_.Below(below)); }
  [[nodiscard]] std::string Key() { return "key:" + Number(12); }
  [[nodiscard]] std::string Value();
  [[nodiscard]] std::string Database() { return Number(databases_); }

  [[nodiscard]] Words OnString();
  [[nodiscard]] Words OnHash();
  [[nodiscard]] Words OnSet();
  [[nodiscard]] Words OnKey();
  [[nodiscard]] Words OnAll();
  [[nodiscard]] Words OnTransaction();
  [[nodiscard]] Words Large();

  [[nodiscard]] const std::string& Namespace();
  [[nodiscard]] const std::string& User();
  [[nodiscard]] std::string Token();
  [[nodiscard]] std::string OwnToken();
  void AddPairs(Words& words, const char* option);
  void AddSpans(Words& words);
  void AddCap(Words& words);
  [[nodiscard]] Words MakeSession();
  [[nodiscard]] Words UseSession();
  [[nodiscard]] Words EndSessions();
  [[nodiscard]] Words Policy();

  SeededRandom& random_;
  const uint32_t databases_;
  bool in_multi_ = false;
  std::deque<std::string> tokens_;   // that were minted, the newest last
  std::deque<std::string> handles_;  // the same
  std::string dump_;                 // of some value
};

}  // namespace cloakroom
