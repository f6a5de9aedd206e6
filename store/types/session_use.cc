#include <algorithm>
#include <set>
#include <string>

#include "store/base/number.h"
#include "store/table/access_clock.h"
#include "store/table/session_draft.h"
#include "store/types/session.h"
#include "store/types/session_rules.h"
#include "store/types/token.h"

namespace cloakroom {
namespace {

using TokenState = SessionSpace::TokenState;

/// For eviction: a use between two slides is known by the entry's clock alone, which is not state.
void NoteUse(const OpenedSession& opened, TimeMs now) {
  opened.found.entry->set_clock(AccessClock::Idle(0, now));
}

/// Records the use of a session at `now`, when that is due.
void RecordUse(const SessionSpace& space, OpenedSession& opened, TimeMs now, WriteBatch& batch) {
  const SessionView& view = opened.found.view;
  const SessionPolicy& policy = space.PolicyOf(&space.NamespaceOf(view));
  if (!SlideIsDue(view, opened.deadline, policy, now)) return;
  Add(batch, SessionSlideOp{opened.found.key, now, view.idle_ms});
  opened.seen = now;
  opened.deadline = SlidDeadline(view, now);
}

void Slide(const SessionSpace& space, OpenedSession& opened, TimeMs now, WriteBatch& batch) {
  NoteUse(opened, now);
  RecordUse(space, opened, now, batch);
}

Result<void> CheckVersions(const SessionView& session, const FieldNames& names,
                           const SetSessionRequest& request) {
  const auto conflict = [&] { return Fail(Code::kVersionConflict, "{}", session.version); };
  if (request.if_version && *request.if_version != session.version) return conflict();
  if (!request.since) return {};
  const int64_t since = *request.since;
  if (since > session.version) return conflict();
  // Of a deletion that is no longer known one by one, only its bound is: better to conflict once
  // too often.
  std::set<std::string_view> unknown(request.unchanged.begin(), request.unchanged.end());
  bool changed = false;
  ForEachStoredField(session, names, [&](const SessionItem& item) {
    if (unknown.erase(item.name) > 0 && item.version > since) changed = true;
  });
  if (changed || (!unknown.empty() && session.forgotten > since)) return conflict();
  return {};
}

/// The bytes that the session would have.
Result<void> CheckMerged(const SessionSpace::Found& found, const FieldNames& names,
                         const SetSessionRequest& request, const SessionPolicy& policy) {
  const SessionView& session = found.view;
  uint64_t added = 0;
  for (const std::string_view word : request.meta) added += word.size();
  for (const std::string_view word : request.fields) added += word.size();
  if (ItemBytesBound(session, *found.entry) + added <= policy.max_bytes) [[likely]]
    return {};

  uint64_t before = 0;
  const auto add = [&before](const SessionItem& item) { before += item.Bytes(); };
  ForEachStoredMeta(session, names, add);
  ForEachStoredField(session, names, add);
  SessionDraft draft;
  draft.Load(session, names);
  for (const std::string_view name : request.deleted)
    if (SessionItem* const item = draft.fields.Find(name)) SessionItems::Delete(*item, 0);
  for (size_t i = 0; i < request.meta.size(); i += 2)
    draft.meta.Set(request.meta[i], request.meta[i + 1]);
  for (size_t i = 0; i < request.fields.size(); i += 2)
    draft.fields.Set(request.fields[i], request.fields[i + 1]);
  // A policy that became tighter does not keep a session from growing smaller.
  const uint64_t after = draft.meta.Bytes() + draft.fields.Bytes();
  return after < before ? Result<void>() : CheckSize(after, policy);
}

/// Whether one of the names is a field now.
bool AnyPresent(const SessionView& session, const FieldNames& names, WordSpan wanted) {
  if (wanted.empty()) return false;
  const std::set<std::string_view> set(wanted.begin(), wanted.end());
  bool any = false;
  ForEachStoredField(session, names, [&](const SessionItem& item) {
    if (!item.deleted && set.count(item.name) > 0) any = true;
  });
  return any;
}

}  // namespace

Result<OpenedSession> OpenSession(const SessionSpace& space, const ShownToken& token, bool slide,
                                  bool may_write, TimeMs now, WriteBatch& batch, bool note_use) {
  OpenedSession opened{LookUp(space, token.key, may_write, now, batch), 0, 0};
  if (opened.found.state != TokenState::kLive) return NoSession();
  opened.seen = opened.found.view.seen;
  opened.deadline = opened.found.entry->deadline();
  if (slide && note_use) NoteUse(opened, now);
  if (slide && may_write) RecordUse(space, opened, now, batch);
  return opened;
}

Result<uint32_t> SetSession(const SessionSpace& space, const ShownToken& token,
                            const SetSessionRequest& request, TimeMs now, WriteBatch& batch) {
  TRY(OpenedSession opened, OpenSession(space, token, false, true, now, batch));
  const SessionView& view = opened.found.view;
  const Namespace& ns = space.NamespaceOf(view);
  TRY_VOID(CheckVersions(view, *ns.names, request));
  uint32_t version = view.version;
  if (!request.meta.empty() || !request.fields.empty() ||
      AnyPresent(view, *ns.names, request.deleted)) {
    TRY_VOID(CheckMerged(opened.found, *ns.names, request, space.PolicyOf(&ns)));
    ++version;
    Add(batch,
        SessionMergeOp{opened.found.key, version, request.deleted, request.meta, request.fields});
  }
  Slide(space, opened, now, batch);
  return version;
}

Result<int64_t> IncrementSession(const SessionSpace& space, const ShownToken& token,
                                 std::string_view field, int64_t increment, TimeMs now,
                                 WriteBatch& batch) {
  TRY(OpenedSession opened, OpenSession(space, token, false, true, now, batch));
  const SessionView& view = opened.found.view;
  const Namespace& ns = space.NamespaceOf(view);
  int64_t value = 0;
  bool integer = true;
  ForEachField(view, *ns.names, [&](const SessionItem& item) {
    if (!item.deleted && item.name == field) integer = ParseInteger(item.value, value);
  });
  if (!integer) return Fail(Code::kInvalid, "the field's value is not an integer");
  if (__builtin_add_overflow(value, increment, &value))
    return Fail(Code::kInvalid, "increment or decrement would overflow");
  const std::string text = std::to_string(value);
  const std::string_view pair[] = {field, text};
  SetSessionRequest request;
  request.fields = pair;
  TRY_VOID(CheckMerged(opened.found, *ns.names, request, space.PolicyOf(&ns)));
  Add(batch, SessionMergeOp{opened.found.key, view.version + 1, {}, {}, pair});
  Slide(space, opened, now, batch);
  return value;
}

Result<TimeMs> TouchSession(const SessionSpace& space, const ShownToken& token,
                            std::optional<TimeMs> idle_ms, TimeMs now, WriteBatch& batch) {
  TRY(OpenedSession opened, OpenSession(space, token, !idle_ms, true, now, batch));
  SessionView& view = opened.found.view;
  if (idle_ms && *idle_ms != view.idle_ms) {
    NoteUse(opened, now);
    view.idle_ms = *idle_ms;
    Add(batch, SessionSlideOp{opened.found.key, now, view.idle_ms});
    opened.deadline = SlidDeadline(view, now);
  } else if (idle_ms) {
    Slide(space, opened, now, batch);
  }
  return opened.deadline - now;
}

size_t DestroySessions(const SessionSpace& space, std::span<const ShownToken> tokens, TimeMs now,
                       WriteBatch& batch) {
  // An old and a new token may name one session, and a token may be given twice.
  std::set<SessionKey> ended;
  size_t lived = 0;
  for (const ShownToken& token : tokens) {
    const SessionSpace::Found found = space.Find(token.key, now);
    const bool live = found.state == TokenState::kLive;
    if (!live && found.state != TokenState::kSpent) continue;
    const Namespace& ns = space.NamespaceOf(found.view);
    if (!live) space.CountReuse(ns);
    if (!live && space.PolicyOf(&ns).on_reuse != OnReuse::kRevoke) continue;
    if (tokens.size() > 1 && !ended.insert(found.key).second) continue;
    AddEnd(space, ns, found.key, live ? SessionEnd::kDestroyed : SessionEnd::kRevoked, now, batch);
    if (live) ++lived;
  }
  return lived;
}

}  // namespace cloakroom
