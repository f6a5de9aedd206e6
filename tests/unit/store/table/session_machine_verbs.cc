// The verbs of one session, against the model.

#include "tests/unit/store/table/session_machine.h"

namespace cloakroom {

void SessionMachine::Create() {
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
  session.serial = ++model_.serials;
  model_.sessions.push_back(session);
  tokens_.push_back(made->token);
}

void SessionMachine::Put() {
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
  const auto put =
      PutSession(shard_.space, token, request, condition, shard_.now, shard_.random, shard_.batch);
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
    session.handle = shard_.space.Find(KeyOfToken(token), shard_.now).view.handle();
    session.serial = ++model_.serials;
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
  if (login) session.serial = ++model_.serials;
  session.seen = model_.now;
  if (login) session.auth_at = model_.now;
  if (request.idle_ms) session.idle_ms = *request.idle_ms;
  if (request.abs_ms && model_.now + *request.abs_ms < session.abs())
    session.abs_ms = model_.now + *request.abs_ms - session.abs_start;
  Fill(session, request);
  ASSERT_EQ(put->version, session.version);
  ASSERT_EQ(put->deadline, session.deadline());
}

void SessionMachine::Get() {
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
  ASSERT_EQ(view.handle(), session.handle);
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

void SessionMachine::Set() {
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

void SessionMachine::Touch() {
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

void SessionMachine::Rotate() {
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
    session.serial = ++model_.serials;
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

void SessionMachine::Destroy() {
  std::vector<std::string> tokens;
  for (uint64_t n = 1 + dice_.Below(3); n > 0; --n) tokens.push_back(AnyToken());
  const std::vector<ShownToken> shown(tokens.begin(), tokens.end());
  size_t lived = 0;
  // All are looked up before any is ended: a spent token may end what a later one names.
  std::vector<SessionModel::Found> found;
  found.reserve(tokens.size());
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
  ASSERT_EQ(DestroySessions(shard_.space, shown, shard_.now, shard_.batch), lived);
}

}  // namespace cloakroom
