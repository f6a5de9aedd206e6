// The draw, the comparison of all that can be seen, and what is done with many sessions.

#include "tests/unit/store/table/session_machine.h"

namespace cloakroom {

void SessionMachine::Step() {
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

void SessionMachine::Check() {
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

void SessionMachine::List() {
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

void SessionMachine::RevokeHandle() {
  const SessionModel::Found found = model_.Find(AnyToken());
  if (found.session == nullptr || found.session->user.empty()) return;
  const std::string text = HandleText(found.session->handle);
  const std::string_view handles[] = {text};
  ASSERT_EQ(RevokeHandles(shard_.space, found.session->ns, found.session->user, handles, {},
                          shard_.now, shard_.batch),
            1U);
  model_.End(*found.session);
}

void SessionMachine::RevokeAll() {
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
  model_.marks[{ns, user}] = {
      model_.now, std::max(model_.marks[{ns, user}].second, model_.now + model_.Policy(ns).abs_ms)};
  ASSERT_EQ(RevokeUser(shard_.space, ns, user, except, shard_.now, shard_.batch), ended);
}

void SessionMachine::RevokeEveryone() {
  const std::string ns = AnyNamespace();
  uint64_t ended = 0;
  for (auto& session : model_.sessions) {
    if (session.ns != ns || !model_.Live(session)) continue;
    model_.End(session);
    ++ended;
  }
  ASSERT_EQ(RevokeNamespace(shard_.space, ns, shard_.now, shard_.batch), ended);
}

void SessionMachine::ChangePolicy() {
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

void SessionMachine::FlushAll() {
  shard_.space.FlushAll();
  replica_.space.FlushAll();
  model_.sessions.clear();
  model_.plain_tombstones.clear();
  model_.marks.clear();
}

void SessionMachine::Advance() {
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

}  // namespace cloakroom
