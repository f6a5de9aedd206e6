// Random verbs against a plain model: every answer, the index, the counts; and a second copy of the
// state that applies the same log with other sweeps.

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "store/types/policy.h"
#include "store/types/session.h"
#include "store/types/token.h"
#include "store/types/user.h"
#include "tests/support/session_shard.h"
#include "tests/unit/store/table/session_model.h"

namespace cloakroom {
namespace {

using State = SessionModel::State;

class Machine {
 public:
  explicit Machine(uint64_t seed) : shard_(seed), replica_(seed + 1), dice_(seed * 977 + 5) {
    model_.now = shard_.now;
  }

  void Step() {
    const uint64_t roll = dice_.Below(1000);
    if (roll < 220) {
      Create();
    } else if (roll < 280) {
      Put();
    } else if (roll < 400) {
      Get();
    } else if (roll < 560) {
      Set();
    } else if (roll < 600) {
      Touch();
    } else if (roll < 740) {
      Rotate();
    } else if (roll < 790) {
      Destroy();
    } else if (roll < 850) {
      List();
    } else if (roll < 870) {
      RevokeHandle();
    } else if (roll < 873) {
      RevokeAll();
    } else if (roll < 874) {
      RevokeEveryone();
    } else if (roll < 880) {
      ChangePolicy();
    } else if (roll < 881 && Chance(20)) {
      FlushAll();
    } else {
      Advance();
    }
    Commit();
  }

  /// The most sessions that a user had at once.
  [[nodiscard]] size_t most_of_a_user() const { return most_of_a_user_; }

  /// All that can be seen, against the model; what is derived, against itself.
  void Check() {
    for (const std::string& wrong : shard_.space.Inconsistencies()) ADD_FAILURE() << wrong;
    for (const std::string& ns : kNamespaces) {
      const Namespace* const found = shard_.space.FindNamespace(ns);
      if (found == nullptr) continue;
      uint64_t live = 0;
      uint64_t anonymous = 0;
      for (const auto& session : model_.sessions) {
        if (session.ns != ns || !model_.Live(session)) continue;
        ++live;
        anonymous += session.user.empty() ? 1 : 0;
      }
      const auto counts = shard_.space.CountsOf(found, shard_.now);
      ASSERT_EQ(counts.live, live);
      ASSERT_EQ(counts.anonymous, anonymous);
      for (const std::string& user : kUsers) {
        const size_t count = model_.OfUser(ns, user).size();
        ASSERT_EQ(shard_.space.CountOfUser(*found, user, shard_.now), count);
        most_of_a_user_ = std::max(most_of_a_user_, count);
      }
    }
    replica_.now = shard_.now;
    const auto here = SessionShard::Lines(shard_.space, shard_.now);
    const auto there = SessionShard::Lines(replica_.space, shard_.now);
    std::vector<std::string> differ;
    std::set_symmetric_difference(here.begin(), here.end(), there.begin(), there.end(),
                                  std::back_inserter(differ));
    for (const std::string& line : differ) ADD_FAILURE() << line;
  }

 private:
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
    return SessionCap{static_cast<uint32_t>(dice_.Below(200)),
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

  void Create() {
    SessionRequest request;
    request.ns = AnyNamespace();
    const std::string user = Chance(15) ? "" : AnyUser();
    request.user = user;
    request.idle_ms = AnySpan();
    request.abs_ms = AnySpan();
    if (!user.empty() && Chance(30))
      request.auth_at = model_.now - static_cast<TimeMs>(dice_.Below(200'000));
    request.cap = AnyCap();
    const auto meta = AnyWords(2);
    const auto fields = AnyWords(4);
    const auto meta_views = Views(meta);
    const auto field_views = Views(fields);
    request.meta = WordSpan(meta_views);
    request.fields = WordSpan(field_views);
    const auto made = CreateSession(shard_.space, request, shard_.now, shard_.random, shard_.batch);
    if (Refused(std::string(request.ns), user, request.auth_at)) {
      ASSERT_FALSE(made.has_value());
      ASSERT_EQ(made.error().code, Code::kRevoked);
      return;
    }
    const auto evicted = model_.MakeRoom(std::string(request.ns), user, CapOf(request), nullptr);
    ASSERT_EQ(made.has_value(), evicted.has_value());
    if (!made) return;
    ASSERT_EQ(made->evicted, *evicted);
    SessionModel::Session session = Made(request);
    session.token = made->token;
    session.handle = made->handle;
    ASSERT_EQ(made->deadline, session.deadline());
    ASSERT_EQ(made->abs, session.abs());
    model_.sessions.push_back(session);
    tokens_.push_back(made->token);
  }

  void Put() {
    std::string token = AnyToken();
    if (Chance(40)) token = "minted-elsewhere-000000" + std::to_string(dice_.Below(30));
    if (token.size() < kForeignTokenCharsMin) return;
    const SessionModel::Found found = model_.Find(token);
    SessionRequest request;
    request.ns = AnyNamespace();
    std::string user = Chance(20) ? "" : AnyUser();
    if (found.session != nullptr && Chance(70)) {
      request.ns = found.session->ns;
      if (!found.session->user.empty()) user = found.session->user;
    }
    const std::string ns(request.ns);
    request.user = user;
    request.idle_ms = AnySpan();
    request.abs_ms = AnySpan();
    const auto meta = AnyWords(2);
    const auto fields = AnyWords(4);
    const auto meta_views = Views(meta);
    const auto field_views = Views(fields);
    if (Chance(50)) request.meta = WordSpan(meta_views);
    if (Chance(70)) request.fields = WordSpan(field_views);
    PutCondition condition;
    condition.only_new = Chance(10);
    condition.only_existing = !condition.only_new && Chance(10);
    const auto put = PutSession(shard_.space, token, request, condition, shard_.now, shard_.random,
                                shard_.batch);
    if (found.state == State::kEnded || found.state == State::kSpent) {
      ASSERT_FALSE(put.has_value());
      ASSERT_EQ(put.error().code, Code::kNoSession);
      Reuse(found);
      return;
    }
    const bool exists = found.state == State::kLive;
    if (exists ? condition.only_new : condition.only_existing) {
      ASSERT_TRUE(put.has_value() && !put->done);
      return;
    }
    if (!exists) {
      if (!model_.MakeRoom(ns, user, CapOf(request), nullptr)) {
        ASSERT_EQ(put.error().code, Code::kSessionLimit);
        return;
      }
      ASSERT_TRUE(put.has_value());
      SessionModel::Session session = Made(request);
      session.token = token;
      Commit();
      session.handle = shard_.space.Find(KeyOfToken(token), shard_.now).view.handle;
      model_.sessions.push_back(session);
      tokens_.push_back(token);
      return;
    }
    SessionModel::Session& session = *found.session;
    const bool login = session.user.empty() && !user.empty();
    if (session.ns != ns || (!login && session.user != user) ||
        (login && model_.Policy(ns).strict_login)) {
      ASSERT_FALSE(put.has_value());
      ASSERT_EQ(put.error().code, Code::kUserMismatch);
      return;
    }
    if (login && !model_.MakeRoom(ns, user, CapOf(request), nullptr)) {
      ASSERT_EQ(put.error().code, Code::kSessionLimit);
      return;
    }
    ASSERT_TRUE(put.has_value());
    if (login || request.meta || request.fields) ++session.version;
    session.user = user;
    session.seen = model_.now;
    if (login) session.auth_at = model_.now;
    if (request.idle_ms) session.idle_ms = *request.idle_ms;
    if (request.abs_ms && model_.now + *request.abs_ms < session.abs())
      session.abs_ms = model_.now + *request.abs_ms - session.abs_start;
    Fill(session, request);
    ASSERT_EQ(put->version, session.version);
    ASSERT_EQ(put->deadline, session.deadline());
  }

  void Get() {
    const std::string token = AnyToken();
    const SessionModel::Found found = model_.Find(token);
    const bool slide = Chance(80);
    const auto opened = OpenSession(shard_.space, token, slide, true, shard_.now, shard_.batch);
    ASSERT_EQ(opened.has_value(), found.state == State::kLive) << token;
    if (!opened) return Reuse(found);
    SessionModel::Session& session = *found.session;
    if (slide) model_.Slide(session);
    const SessionView& view = opened->found.view;
    ASSERT_EQ(opened->seen, session.seen);
    ASSERT_EQ(opened->deadline, session.deadline());
    ASSERT_EQ(view.version, session.version);
    ASSERT_EQ(view.user, session.user);
    ASSERT_EQ(view.handle, session.handle);
    ASSERT_EQ(view.auth_at, session.auth_at);
    ASSERT_EQ(view.created, session.created);
    ASSERT_EQ(view.abs(), session.abs());
    const FieldNames& names = *shard_.space.NamespaceOf(view).names;
    std::map<std::string, std::string> meta;
    ForEachMeta(view, names, [&](const SessionItem& item) { meta.emplace(item.name, item.value); });
    ASSERT_EQ(meta, session.meta);
    size_t fields = 0;
    ForEachField(view, names, [&](const SessionItem& item) {
      const SessionModel::Field& field = session.fields[std::string(item.name)];
      EXPECT_EQ(item.value, field.value);
      EXPECT_EQ(item.version, field.version);
      EXPECT_EQ(item.deleted, field.deleted);
      ++fields;
    });
    ASSERT_EQ(fields, session.fields.size());
  }

  void Set() {
    const std::string token = AnyToken();
    const SessionModel::Found found = model_.Find(token);
    SetSessionRequest request;
    const auto fields = AnyWords(3);
    const auto meta = AnyWords(1);
    const std::vector<std::string> names = {kNames[dice_.Below(5)], kNames[dice_.Below(5)]};
    const auto field_views = Views(fields);
    const auto meta_views = Views(meta);
    const auto name_views = Views(names);
    request.fields = field_views;
    request.meta = meta_views;
    if (Chance(30)) request.deleted = name_views;
    const int64_t version = found.session == nullptr ? 1 : found.session->version;
    const int64_t wanted = std::max<int64_t>(0, version - static_cast<int64_t>(dice_.Below(3)));
    if (Chance(20)) {
      request.if_version = wanted;
    } else if (Chance(30)) {
      request.since = wanted;
      request.unchanged = name_views;
    }
    const auto set = SetSession(shard_.space, token, request, shard_.now, shard_.batch);
    if (found.state != State::kLive) {
      ASSERT_EQ(set.error().code, Code::kNoSession);
      return Reuse(found);
    }
    SessionModel::Session& session = *found.session;
    bool conflict = request.if_version && *request.if_version != session.version;
    for (const std::string_view name : request.unchanged) {
      const auto it = session.fields.find(std::string(name));
      if (it != session.fields.end() && it->second.version > *request.since) conflict = true;
    }
    ASSERT_EQ(set.has_value(), !conflict);
    if (conflict) return;
    bool deletes = false;
    for (const std::string_view name : request.deleted) {
      const auto it = session.fields.find(std::string(name));
      if (it != session.fields.end() && !it->second.deleted) deletes = true;
    }
    if (deletes || !fields.empty() || !meta.empty()) {
      ++session.version;
      for (const std::string_view name : request.deleted) {
        const auto it = session.fields.find(std::string(name));
        if (it != session.fields.end() && !it->second.deleted)
          it->second = {"", session.version, true};
      }
      for (size_t i = 0; i < meta.size(); i += 2) session.meta[meta[i]] = meta[i + 1];
      for (size_t i = 0; i < fields.size(); i += 2)
        session.fields[fields[i]] = {fields[i + 1], session.version, false};
    }
    model_.Slide(session);
    ASSERT_EQ(*set, session.version);
  }

  void Touch() {
    const std::string token = AnyToken();
    const SessionModel::Found found = model_.Find(token);
    const std::optional<TimeMs> idle = AnySpan();
    const auto left = TouchSession(shard_.space, token, idle, shard_.now, shard_.batch);
    ASSERT_EQ(left.has_value(), found.state == State::kLive);
    if (!left) return Reuse(found);
    SessionModel::Session& session = *found.session;
    if (idle && *idle != session.idle_ms) {
      session.idle_ms = *idle;
      session.seen = model_.now;
    } else {
      model_.Slide(session);
    }
    ASSERT_EQ(*left, session.deadline() - model_.now);
  }

  void Rotate() {
    const std::string token = AnyToken();
    const SessionModel::Found found = model_.Find(token);
    RotateRequest request;
    const std::string user = AnyUser();
    if (Chance(20)) request.user = user;
    request.reauth = Chance(15);
    if (Chance(60)) request.grace_ms = static_cast<TimeMs>(dice_.Below(60'000));
    const auto rotated =
        RotateSession(shard_.space, token, request, shard_.now, shard_.random, shard_.batch);
    if (found.state != State::kLive) {
      ASSERT_EQ(rotated.error().code, Code::kNoSession);
      return Reuse(found);
    }
    SessionModel::Session& session = *found.session;
    const bool checked = request.user || request.reauth;
    if (request.user && !session.user.empty() && session.user != user) {
      ASSERT_EQ(rotated.error().code, Code::kUserMismatch);
      return;
    }
    if (found.old != nullptr && !checked) {
      model_.Slide(session);
      ASSERT_EQ(rotated->token, found.old->successor);
      ASSERT_EQ(rotated->deadline, session.deadline());
      return;
    }
    const bool login = request.user && session.user.empty();
    const SessionPolicy& policy = model_.Policy(session.ns);
    if (login) {
      const auto evicted =
          model_.MakeRoom(session.ns, user, SessionCap{policy.max, policy.on_limit}, nullptr);
      ASSERT_EQ(rotated.has_value(), evicted.has_value());
      if (!evicted) return;
      ASSERT_EQ(rotated->evicted, *evicted);
    }
    ASSERT_TRUE(rotated.has_value());
    const TimeMs grace = model_.now + (checked ? 0 : request.grace_ms.value_or(policy.grace_ms));
    for (SessionModel::Spent& spent : session.spent)
      spent.grace_until = std::min(spent.grace_until, grace);
    if (session.spent.size() == 8) {
      model_.plain_tombstones[session.spent[0].token] =
          session.spent[0].rotated_at + policy.tombstone_ms;
      session.spent.erase(session.spent.begin());
    }
    session.spent.push_back({session.token, rotated->token, grace, model_.now});
    session.token = rotated->token;
    if (checked) session.auth_at = session.abs_start = model_.now;
    if (login) {
      session.user = user;
      session.idle_ms = policy.idle_ms;
      session.abs_ms = policy.abs_ms;
      ++session.version;
    }
    session.seen = model_.now;
    ASSERT_EQ(rotated->handle, session.handle);
    ASSERT_EQ(rotated->version, session.version);
    ASSERT_EQ(rotated->deadline, session.deadline());
    ASSERT_EQ(rotated->abs, session.abs());
    tokens_.push_back(rotated->token);
  }

  void Destroy() {
    std::vector<std::string> tokens;
    for (uint64_t n = 1 + dice_.Below(3); n > 0; --n) tokens.push_back(AnyToken());
    const auto views = Views(tokens);
    size_t lived = 0;
    // All are looked up before any is ended: a spent token may end what a later one names.
    std::vector<SessionModel::Found> found;
    for (const std::string& token : tokens) found.push_back(model_.Find(token));
    for (const SessionModel::Found& each : found) {
      if (each.session == nullptr || each.session->ended) continue;
      if (each.state == State::kLive) {
        model_.End(*each.session);
        ++lived;
      } else {
        Reuse(each);
      }
    }
    ASSERT_EQ(DestroySessions(shard_.space, views, shard_.now, shard_.batch), lived);
  }

  void List() {
    const std::string ns = AnyNamespace();
    const std::string user = AnyUser();
    const std::vector<SessionModel::Session*> expected = model_.OfUser(ns, user);
    std::string cursor = "0";
    size_t at = 0;
    const size_t count = 1 + dice_.Below(20);
    do {
      const auto page = ListSessions(shard_.space, ns, user, cursor, count, shard_.now);
      ASSERT_TRUE(page.has_value());
      for (const UserSession& session : page->sessions) {
        ASSERT_LT(at, expected.size());
        ASSERT_EQ(session.handle, expected[at]->handle);
        ASSERT_EQ(session.key, KeyOfToken(expected[at]->token));
        ++at;
      }
      cursor = page->cursor;
    } while (cursor != "0");
    ASSERT_EQ(at, expected.size());
  }

  void RevokeHandle() {
    const SessionModel::Found found = model_.Find(AnyToken());
    if (found.session == nullptr || found.session->user.empty()) return;
    const std::string text = HandleText(found.session->handle);
    const std::string_view handles[] = {text};
    ASSERT_EQ(RevokeHandles(shard_.space, found.session->ns, found.session->user, handles, {},
                            shard_.now, shard_.batch),
              1U);
    model_.End(*found.session);
  }

  void RevokeAll() {
    const std::string ns = AnyNamespace();
    const std::string user = AnyUser();
    NamedSession except;
    const SessionModel::Session* spared = nullptr;
    const std::vector<SessionModel::Session*> all = model_.OfUser(ns, user);
    if (!all.empty() && Chance(50)) {
      spared = all[dice_.Below(all.size())];
      except = NameSession(shard_.space, ns, user, spared->token, true, shard_.now, shard_.batch);
      ASSERT_TRUE(except.live.has_value());
    }
    size_t ended = 0;
    for (SessionModel::Session* session : all) {
      if (session == spared) continue;
      model_.End(*session);
      ++ended;
    }
    model_.marks[{ns, user}] = {model_.now, std::max(model_.marks[{ns, user}].second,
                                                     model_.now + model_.Policy(ns).abs_ms)};
    ASSERT_EQ(RevokeUser(shard_.space, ns, user, except, shard_.now, shard_.batch), ended);
  }

  void RevokeEveryone() {
    const std::string ns = AnyNamespace();
    uint64_t ended = 0;
    for (auto& session : model_.sessions) {
      if (session.ns != ns || !model_.Live(session)) continue;
      model_.End(session);
      ++ended;
    }
    ASSERT_EQ(RevokeNamespace(shard_.space, ns, shard_.now, shard_.batch), ended);
  }

  void ChangePolicy() {
    const std::string ns = AnyNamespace();
    SessionPolicy policy = model_.Policy(ns);
    policy.tombstone_ms = static_cast<TimeMs>(dice_.Below(120)) * kSecondMs;
    policy.grace_ms = static_cast<TimeMs>(dice_.Below(2)) * 20'000;
    policy.quantum_ms = static_cast<TimeMs>(dice_.Below(3)) * 5'000;
    policy.max = Chance(70) ? 0 : static_cast<uint32_t>(30 + dice_.Below(200));
    policy.on_reuse = Chance(30) ? OnReuse::kRevoke : OnReuse::kCount;
    policy.strict_login = Chance(30);
    Add(shard_.batch, SessionPolicyOp{ns, policy});
    model_.SetPolicy(ns, policy);
  }

  /// Everything goes but the policies.
  void FlushAll() {
    shard_.space.FlushAll();
    replica_.space.FlushAll();
    model_.sessions.clear();
    model_.plain_tombstones.clear();
    model_.marks.clear();
  }

  /// Time passes; each copy frees what it likes of what is dead, or nothing.
  void Advance() {
    static constexpr uint64_t kSpans[] = {1, 50, 1'000, 5'000, 40'000};
    shard_.now += static_cast<TimeMs>(dice_.Below(kSpans[dice_.Below(5)]));
    if (dice_.Below(1000) == 0) shard_.now += kDayMs;
    model_.now = shard_.now;
    model_.Prune();
    if (Chance(60)) shard_.space.Sweep(shard_.now, 1 + dice_.Below(30));
    // A replica frees by the time of the newest record.
    if (Chance(20) && !shard_.log.empty())
      replica_.space.Sweep(shard_.log.back().first, 1 + dice_.Below(2000));
    if (tokens_.size() > 2000) tokens_.erase(tokens_.begin(), tokens_.begin() + 1000);
  }

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

class SessionPropertyTest : public ::testing::TestWithParam<uint64_t> {};

TEST_P(SessionPropertyTest, AnswersAsTheModelDoes) {
  Machine machine(GetParam());
  for (int step = 0; step < 20'000; ++step) {
    machine.Step();
    if (step % 200 == 0) machine.Check();
    ASSERT_FALSE(HasFailure()) << "seed " << GetParam() << ", step " << step;
  }
  EXPECT_GT(machine.most_of_a_user(), UserIndex::kFewMax + 16) << "the ordered form was not tried";
}

INSTANTIATE_TEST_SUITE_P(Seeds, SessionPropertyTest, ::testing::Range<uint64_t>(1, 7));

}  // namespace
}  // namespace cloakroom
