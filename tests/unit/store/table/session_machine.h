#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/types/policy.h"
#include "store/types/session.h"
#include "store/types/token.h"
#include "store/types/user.h"
#include "tests/support/session_shard.h"
#include "tests/unit/store/table/session_model.h"

namespace cloakroom {

/// Draws a verb, does it on the sessions and on the model, and compares the answers. A second copy
/// of the state applies the same log and frees its dead at other times.
class SessionMachine {
 public:
  explicit SessionMachine(uint64_t seed) : shard_(seed), replica_(seed + 1), dice_(seed * 977 + 5) {
    model_.now = shard_.now;
  }

  void Step();

  /// The most sessions that a user had at once.
  [[nodiscard]] size_t most_of_a_user() const { return most_of_a_user_; }

  /// All that can be seen, against the model; what is derived, against itself.
  void Check();

 private:
  using State = SessionModel::State;

  const std::vector<std::string> kNamespaces = {"shop", "blog"};
  // The first has so many sessions that its index is ordered.
  const std::vector<std::string> kUsers = {"crowd", "ana", "bob", "{tag}carl"};
  const std::vector<std::string> kNames = {"a", "b", "c", "d", "e"};

  // ---- choices

  const std::string& AnyNamespace() { return kNamespaces[dice_.Below(8) == 0 ? 1 : 0]; }
  const std::string& AnyUser() { return kUsers[dice_.Below(2) == 0 ? 0 : dice_.Below(4)]; }
  bool Chance(uint64_t percent) { return dice_.Below(100) < percent; }
  std::string AnyToken() {
    if (tokens_.empty() || Chance(2)) return "no-such-token-" + std::to_string(dice_.Below(5));
    // Mostly young ones.
    const uint64_t span = Chance(70) ? std::min<uint64_t>(tokens_.size(), 40) : tokens_.size();
    return tokens_[tokens_.size() - 1 - dice_.Below(span)];
  }
  std::vector<std::string> AnyWords(uint64_t pairs_max) {
    std::vector<std::string> words;
    for (uint64_t n = dice_.Below(pairs_max + 1); n > 0; --n) {
      words.push_back(kNames[dice_.Below(kNames.size())]);
      words.push_back(std::to_string(dice_.Below(1000)));
    }
    return words;
  }
  static std::vector<std::string_view> Views(const std::vector<std::string>& words) {
    return {words.begin(), words.end()};
  }
  std::optional<TimeMs> AnySpan() {
    if (Chance(50)) return std::nullopt;
    return static_cast<TimeMs>(1 + dice_.Below(1200)) * kSecondMs;
  }
  std::optional<SessionCap> AnyCap() {
    if (Chance(95)) return std::nullopt;
    // A small one now and then: it ends many of the crowd at once.
    return SessionCap{static_cast<uint32_t>(dice_.Below(Chance(20) ? 12 : 250)),
                      Chance(50) ? OnLimit::kEvict : OnLimit::kReject};
  }

  void Commit() {
    const size_t before = shard_.log.size();
    shard_.Commit();
    for (size_t i = before; i < shard_.log.size(); ++i)
      SessionShard::Apply(replica_.space, i + 1, shard_.log[i].first, shard_.log[i].second);
  }

  // ---- the verbs

  SessionModel::Session Made(const SessionRequest& request) {
    const SessionPolicy& policy = model_.Policy(std::string(request.ns));
    SessionModel::Session session;
    session.ns = request.ns;
    session.user = request.user;
    session.created = session.seen = session.abs_start = model_.now;
    session.auth_at = request.auth_at.value_or(request.user.empty() ? 0 : model_.now);
    session.idle_ms =
        request.idle_ms.value_or(request.user.empty() ? policy.anon_idle_ms : policy.idle_ms);
    session.abs_ms =
        request.abs_ms.value_or(request.user.empty() ? policy.anon_abs_ms : policy.abs_ms);
    Fill(session, request);
    return session;
  }
  static void Fill(SessionModel::Session& session, const SessionRequest& request) {
    if (request.meta) {
      session.meta.clear();
      for (size_t i = 0; i < request.meta->size(); i += 2)
        session.meta[std::string((*request.meta)[i])] = (*request.meta)[i + 1];
    }
    if (request.fields) {
      for (auto& [name, field] : session.fields)
        if (!field.deleted) field = {"", session.version, true};
      for (size_t i = 0; i < request.fields->size(); i += 2)
        session.fields[std::string((*request.fields)[i])] = {std::string((*request.fields)[i + 1]),
                                                             session.version, false};
    }
  }
  bool Refused(const std::string& ns, const std::string& user, std::optional<TimeMs> auth_at) {
    const auto mark = model_.marks.find({ns, user});
    return auth_at && mark != model_.marks.end() && model_.now < mark->second.second &&
           *auth_at <= mark->second.first;
  }
  SessionCap CapOf(const SessionRequest& request) {
    const SessionPolicy& policy = model_.Policy(std::string(request.ns));
    return request.cap.value_or(SessionCap{policy.max, policy.on_limit});
  }

  void Create();
  void Put();
  void Get();
  void Set();
  void Touch();
  void Rotate();
  void Destroy();
  void List();
  void RevokeHandle();
  void RevokeAll();
  void RevokeEveryone();
  void ChangePolicy();

  /// Everything goes but the policies.
  void FlushAll();

  /// Time passes; each copy frees what it likes of what is dead, or nothing.
  void Advance();

  /// A spent token was shown by a command that may write.
  void Reuse(const SessionModel::Found& found) {
    if (found.state == State::kSpent &&
        model_.Policy(found.session->ns).on_reuse == OnReuse::kRevoke)
      model_.End(*found.session);
  }

  SessionShard shard_;
  SessionShard replica_;
  SessionModel model_;
  SeededRandom dice_;
  std::vector<std::string> tokens_;
  size_t most_of_a_user_ = 0;
};

}  // namespace cloakroom
