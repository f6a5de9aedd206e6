#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "store/base/time.h"
#include "store/op/session_key.h"
#include "store/op/session_policy.h"
#include "store/table/entry.h"
#include "store/table/field_names.h"
#include "store/table/session_value.h"
#include "store/table/spent_token.h"

namespace cloakroom {

/// A live session with all that belongs to it.
struct CapturedSession {
  std::string_view value;  // of its entry, as SessionView describes it
  TimeMs deadline;
  const SessionView& view;
  const FieldNames& names;            // of its namespace
  std::span<const SpentToken> spent;  // one for each of view.spent
};

/// An entry whose value follows in parts: its bytes, or its elements one by one.
struct LargeEntry {
  uint64_t number = 0;  // counted from 0 in the order of their beginning
  uint32_t db = 0;
  std::string_view key;
  ValueType type{};
  Encoding encoding{};
  TimeMs deadline = kNoDeadline;
  uint64_t size = 0;  // bytes of a string, elements of a collection
};

/// Takes what a KeyspaceCapture hands out. Views are good during the call only; what is handed out
/// must not be changed, nor the keyspace.
class CaptureSink {
 public:
  virtual ~CaptureSink() = default;

  // First, and once: what is small.
  virtual void OnSerial(uint64_t serial) = 0;
  /// `id` is what sessions and marks name it by. No policy: that of the default one holds.
  virtual void OnNamespace(uint32_t id, std::string_view name, const SessionPolicy* policy) = 0;

  // Then, in any order.
  virtual void OnSession(const CapturedSession& session) = 0;
  /// A token that nobody may take until `until`.
  virtual void OnTombstone(const SessionKey& key, TimeMs until) = 0;
  /// All sessions of a user were revoked at `at`, which is remembered until `until`.
  virtual void OnUserMark(uint32_t ns, std::string_view user, TimeMs at, TimeMs until) = 0;
  /// A key whose value lies in its entry: a string, a packed hash or set, an intset.
  virtual void OnEntry(uint32_t db, const Entry& entry) = 0;
  virtual void OnLarge(const LargeEntry& entry) = 0;
  /// More of a large string; in order.
  virtual void OnBytes(uint64_t number, std::string_view bytes) = 0;
  /// More of a large collection; in any order.
  virtual void OnField(uint64_t number, std::string_view name, std::string_view value) = 0;
  virtual void OnMember(uint64_t number, std::string_view member) = 0;
};

}  // namespace cloakroom
