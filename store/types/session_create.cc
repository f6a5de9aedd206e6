#include <algorithm>

#include "store/base/hash.h"
#include "store/types/session.h"
#include "store/types/session_rules.h"
#include "store/types/token.h"

namespace cloakroom {
namespace {

using TokenState = SessionSpace::TokenState;

uint64_t ItemBytes(const SessionView& session, const FieldNames& names, bool meta, bool fields) {
  uint64_t bytes = 0;
  const auto add = [&bytes](const SessionItem& item) { bytes += item.Bytes(); };
  if (meta) ForEachStoredMeta(session, names, add);
  if (fields) ForEachStoredField(session, names, add);
  return bytes;
}

/// A new session as the request and the policy say; key, handle and version are left to fill in.
Result<SessionPutOp> Draft(const SessionSpace& space, const Namespace* ns,
                           const SessionRequest& request, TimeMs now) {
  const SessionPolicy& policy = space.PolicyOf(ns);
  const bool anonymous = request.user.empty();
  SessionPutOp op;
  op.ns = request.ns;
  op.user = request.user;
  op.created = op.seen = op.abs_start = now;
  // A visitor has never shown a password.
  TRY(op.auth_at,
      CheckAuthAt(space, ns, request.user, request.auth_at, anonymous ? TimeMs{0} : now, now));
  op.idle_ms = request.idle_ms.value_or(anonymous ? policy.anon_idle_ms : policy.idle_ms);
  op.abs_ms = request.abs_ms.value_or(anonymous ? policy.anon_abs_ms : policy.abs_ms);
  op.version = 1;
  op.has_meta = op.has_fields = true;
  op.meta = request.meta.value_or(WordSpan());
  op.fields = request.fields.value_or(WordSpan());
  TRY_VOID(CheckPairs(0, op.meta, op.fields, policy));
  return op;
}

TimeMs DeadlineOf(const SessionPutOp& op) {
  return std::min(op.seen + op.idle_ms, op.abs_start + op.abs_ms);
}

/// What a PUT changes of a live session.
Result<SessionPutOp> Replacement(const SessionSpace& space, const SessionSpace::Found& found,
                                 const SessionRequest& request, TimeMs now) {
  const SessionView& old = found.view;
  const Namespace& ns = space.NamespaceOf(old);
  const SessionPolicy& policy = space.PolicyOf(&ns);
  if (ns.name != request.ns)
    return Fail(Code::kUserMismatch, "the session belongs to another namespace");
  const bool login = old.anonymous() && !request.user.empty();
  if (!login && old.user != request.user)
    return Fail(Code::kUserMismatch, "the session belongs to another user");
  if (login && policy.strict_login)
    return Fail(Code::kUserMismatch, "strict-login: give the session its user with SESSION.ROTATE");

  SessionPutOp op;
  op.key = found.key;
  op.ns = request.ns;
  op.user = request.user;
  op.handle = old.handle();
  op.created = old.created;
  op.seen = now;
  TRY(op.auth_at,
      CheckAuthAt(space, &ns, request.user, request.auth_at, login ? now : old.auth_at, now));
  op.idle_ms = request.idle_ms.value_or(old.idle_ms);
  op.abs_start = old.abs_start;
  op.abs_ms = old.abs_ms;
  if (request.abs_ms && now + *request.abs_ms < old.abs())
    op.abs_ms = now + *request.abs_ms - old.abs_start;
  op.by_put = (old.flags & SessionView::kByPut) != 0;
  op.has_meta = request.meta.has_value();
  op.has_fields = request.fields.has_value();
  op.meta = request.meta.value_or(WordSpan());
  op.fields = request.fields.value_or(WordSpan());
  op.version = old.version + (login || op.has_meta || op.has_fields ? 1 : 0);
  if (op.has_meta || op.has_fields)
    TRY_VOID(CheckPairs(ItemBytes(old, *ns.names, !op.has_meta, !op.has_fields), op.meta, op.fields,
                        policy));
  return op;
}

}  // namespace

Result<MintedSession> CreateSession(const SessionSpace& space, const SessionRequest& request,
                                    TimeMs now, Random& random, WriteBatch& batch) {
  const Namespace* const ns = space.FindNamespace(request.ns);
  TRY(SessionPutOp op, Draft(space, ns, request, now));
  MintedSession minted;
  TRY(minted.evicted, MakeRoom(space, ns, request.user, request.cap, nullptr, now, batch));
  uint16_t slot = 0;
  if (request.user.empty()) {
    random.Fill(&slot, sizeof slot);
    slot %= kSlotCount;
  } else {
    slot = SlotOf(request.user);
  }
  minted.token = MintToken(slot, random);
  op.key = KeyOfToken(minted.token);
  op.handle = minted.handle = DerivedHandle(op.key);
  minted.version = op.version;
  minted.deadline = DeadlineOf(op);
  minted.abs = op.abs_start + op.abs_ms;
  Add(batch, op);
  return minted;
}

Result<PutSessionResult> PutSession(const SessionSpace& space, const ShownToken& token,
                                    const SessionRequest& request, const PutCondition& condition,
                                    TimeMs now, Random& random, WriteBatch& batch) {
  const SessionSpace::Found found = LookUp(space, token.key, true, now, batch);
  if (found.state == TokenState::kEnded || found.state == TokenState::kSpent) return NoSession();
  const bool exists = found.state == TokenState::kLive;
  if (exists ? condition.only_new : condition.only_existing) return PutSessionResult{};
  const uint32_t version = exists ? found.view.version : 0;
  if (condition.version && *condition.version != version) {
    if (!exists) return NoSession();
    return Fail(Code::kVersionConflict, "{}", version);
  }

  const Namespace* const ns = space.FindNamespace(request.ns);
  TRY(SessionPutOp op,
      exists ? Replacement(space, found, request, now) : Draft(space, ns, request, now));
  if (!exists || found.view.user != request.user)
    TRY_VOID(MakeRoom(space, ns, request.user, request.cap, nullptr, now, batch));
  if (!exists) {
    op.key = token.key;
    // Not derived: from a token that can be guessed, so could the key, and the handle would tell.
    op.handle = MintHandle(random);
    op.by_put = true;
  }
  Add(batch, op);
  return PutSessionResult{true, op.version, DeadlineOf(op)};
}

}  // namespace cloakroom
