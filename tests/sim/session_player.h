#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/types/policy.h"
#include "store/types/session.h"
#include "store/types/token.h"
#include "store/types/user.h"
#include "tests/support/keyspace_log.h"
#include "tests/support/seeded_random.h"

namespace cloakroom {

/// Draws verbs of sessions, each a record of the log. What they answer is no matter here: see
/// SessionMachine for that.
class SessionPlayer {
 public:
  SessionPlayer(KeyspaceLog& log, uint64_t seed) : log_(log), dice_(seed), random_(seed + 1) {}

  void Step() {
    const uint64_t kind = Below(100);
    if (kind < 34)
      Create();
    else if (kind < 42)
      Put();
    else if (kind < 60)
      Set();
    else if (kind < 70)
      (void)OpenSession(space(), AnyToken(), true, true, log_.now, log_.batch);
    else if (kind < 74)
      (void)TouchSession(space(), AnyToken(), Span(), log_.now, log_.batch);
    else if (kind < 86)
      Rotate();
    else if (kind < 93)
      Destroy();
    else if (kind < 96)
      Revoke();
    else
      ChangePolicy();
    if (Below(400) == 0) RevokeNamespace(space(), AnyNamespace(), log_.now, log_.batch);
    if (!log_.batch.empty()) log_.Apply();
  }

 private:
  uint64_t Below(uint64_t bound) { return dice_.Below(bound); }
  [[nodiscard]] const SessionSpace& space() const { return log_.keys.sessions(); }
  std::string AnyNamespace() { return Below(6) == 0 ? "blog" : "shop"; }
  std::string AnyUser() {
    // One who has many, some who have a few, and those who have one.
    if (Below(3) == 0) return "crowd";
    return "user" + std::to_string(Below(Below(2) == 0 ? 4 : 500));
  }
  std::string AnyToken() {
    if (tokens_.empty()) return "no-such-token-at-all-000";
    return tokens_[Below(tokens_.size())];
  }
  std::optional<TimeMs> Span() {
    if (Below(2) == 0) return std::nullopt;
    return static_cast<TimeMs>(1 + Below(Below(3) == 0 ? 20 : 2000)) * kSecondMs / 4;
  }
  std::vector<std::string> Words(uint64_t pairs_max, uint64_t names) {
    std::vector<std::string> words;
    for (uint64_t n = Below(pairs_max + 1); n > 0; --n) {
      // Sometimes a name of its own, or one too long to be shared.
      std::string name = "f" + std::to_string(Below(names));
      if (Below(200) == 0) name += std::string(600, 'n');
      words.push_back(name);
      words.push_back(Below(3) == 0 ? std::string(Below(60), 'v') : std::to_string(Below(100'000)));
    }
    return words;
  }
  static std::vector<std::string_view> Views(const std::vector<std::string>& words) {
    return {words.begin(), words.end()};
  }

  void Create() {
    const std::string ns = AnyNamespace();
    const std::string user = Below(6) == 0 ? "" : AnyUser();
    const auto meta = Words(2, 4);
    const auto fields = Words(5, 8);
    const auto meta_views = Views(meta);
    const auto field_views = Views(fields);
    SessionRequest request;
    request.ns = ns;
    request.user = user;
    request.idle_ms = Span();
    request.abs_ms = Span();
    request.meta = WordSpan(meta_views);
    request.fields = WordSpan(field_views);
    if (Below(30) == 0) request.cap = SessionCap{static_cast<uint32_t>(Below(60)), OnLimit::kEvict};
    const auto made = CreateSession(space(), request, log_.now, random_, log_.batch);
    if (made) tokens_.push_back(made->token);
  }
  void Put() {
    const std::string token = "minted-elsewhere-0000000" + std::to_string(Below(40));
    const std::string ns = AnyNamespace();
    const std::string user = Below(3) == 0 ? "" : AnyUser();
    const auto fields = Words(5, 8);
    const auto field_views = Views(fields);
    SessionRequest request;
    request.ns = ns;
    request.user = user;
    request.idle_ms = Span();
    if (Below(3) > 0) request.fields = WordSpan(field_views);
    if (PutSession(space(), token, request, {}, log_.now, random_, log_.batch))
      tokens_.push_back(token);
  }
  void Set() {
    const auto fields = Words(3, 8);
    const auto meta = Words(1, 4);
    const auto deleted = Words(Below(3), 8);
    const auto field_views = Views(fields);
    const auto meta_views = Views(meta);
    const auto deleted_views = Views(deleted);
    SetSessionRequest request;
    request.fields = field_views;
    request.meta = meta_views;
    request.deleted = deleted_views;
    (void)SetSession(space(), AnyToken(), request, log_.now, log_.batch);
  }
  void Rotate() {
    const std::string user = AnyUser();
    RotateRequest request;
    if (Below(4) == 0) request.user = user;
    request.reauth = Below(6) == 0;
    if (Below(2) == 0) request.grace_ms = static_cast<TimeMs>(Below(30'000));
    // Often the same one, so that there are too many spent tokens.
    const std::string token = Below(2) == 0 || tokens_.empty() ? AnyToken() : tokens_.back();
    const auto made = RotateSession(space(), token, request, log_.now, random_, log_.batch);
    if (made) tokens_.push_back(made->token);
  }
  void Destroy() {
    const std::string token = AnyToken();
    const ShownToken tokens[] = {token};
    (void)DestroySessions(space(), tokens, log_.now, log_.batch);
  }
  void Revoke() {
    const std::string ns = AnyNamespace();
    const std::string user = AnyUser();
    NamedSession except;
    if (Below(2) == 0)
      except = NameSession(space(), ns, user, AnyToken(), true, log_.now, log_.batch);
    RevokeUser(space(), ns, user, except, log_.now, log_.batch);
  }
  void ChangePolicy() {
    const std::string ns = Below(4) == 0 ? std::string(kDefaultNamespace) : AnyNamespace();
    SessionPolicy policy = space().PolicyOf(space().FindNamespace(ns));
    policy.tombstone_ms = static_cast<TimeMs>(Below(60)) * kSecondMs;
    policy.grace_ms = static_cast<TimeMs>(Below(2)) * 20'000;
    policy.max = Below(2) == 0 ? 0 : static_cast<uint32_t>(30 + Below(100));
    policy.on_reuse = Below(3) == 0 ? OnReuse::kRevoke : OnReuse::kCount;
    Add(log_.batch, SessionPolicyOp{ns, policy});
  }

  KeyspaceLog& log_;
  SeededRandom dice_;
  SeededRandom random_;
  std::vector<std::string> tokens_;
};

}  // namespace cloakroom
