#include <algorithm>

#include "store/base/hash.h"
#include "store/types/session.h"
#include "store/types/session_rules.h"
#include "store/types/token.h"

namespace cloakroom {
namespace {

/// A minted token stands in its user's slot; a visitor keeps the slot they came with.
uint16_t SlotFor(std::string_view user, const SessionKey& token) {
  return user.empty() ? token.slot() : SlotOf(user);
}

/// The old token was shown again within its grace: the answer is what it was.
MintedSession SameSuccessor(const ShownToken& token, const OpenedSession& opened) {
  const SessionView& view = opened.found.view;
  MintedSession minted;
  minted.token = SuccessorToken(token.text, opened.found.nonce);
  minted.handle = view.handle();
  minted.version = view.version;
  minted.deadline = opened.deadline;
  minted.abs = view.abs();
  return minted;
}

}  // namespace

Result<MintedSession> RotateSession(const SessionSpace& space, const ShownToken& token,
                                    const RotateRequest& request, TimeMs now, Random& random,
                                    WriteBatch& batch) {
  const bool checked = request.user.has_value() || request.reauth;
  TRY(OpenedSession opened, OpenSession(space, token, false, true, now, batch));
  const SessionView& view = opened.found.view;
  const Namespace& ns = space.NamespaceOf(view);
  const SessionPolicy& policy = space.PolicyOf(&ns);
  const std::string_view user = request.user.value_or(view.user);
  if (user != view.user && !view.anonymous())
    return Fail(Code::kUserMismatch, "the session belongs to another user");
  if (opened.found.old_token && !checked) {
    TRY(opened, OpenSession(space, token, true, true, now, batch));
    return SameSuccessor(token, opened);
  }

  const bool login = user != view.user;
  SessionRotateOp op;
  op.key = opened.found.key;
  op.nonce = MintNonce(SlotFor(user, token.key), random);
  op.grace_until = checked ? now : now + request.grace_ms.value_or(policy.grace_ms);
  op.tombstone_ms = policy.tombstone_ms;
  op.user = user;
  op.seen = now;
  TRY(op.auth_at,
      CheckAuthAt(space, &ns, user, request.auth_at, checked ? now : view.auth_at, now));
  op.abs_start = checked ? now : view.abs_start;
  op.idle_ms = login ? policy.idle_ms : view.idle_ms;
  op.abs_ms = login ? policy.abs_ms : view.abs_ms;
  op.version = view.version + (login ? 1 : 0);

  MintedSession minted;
  if (login || request.cap) {
    const SessionKey* const self = login ? nullptr : &opened.found.key;
    TRY(minted.evicted, MakeRoom(space, &ns, user, request.cap, self, now, batch));
  }
  minted.token = SuccessorToken(token.text, op.nonce);
  op.next = KeyOfToken(minted.token);
  minted.handle = view.handle();
  minted.version = op.version;
  minted.abs = op.abs_start + op.abs_ms;
  minted.deadline = std::min(now + op.idle_ms, minted.abs);
  Add(batch, op);
  return minted;
}

}  // namespace cloakroom
