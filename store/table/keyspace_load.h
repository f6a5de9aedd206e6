#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "store/base/result.h"
#include "store/base/time.h"
#include "store/table/capture_sink.h"
#include "store/table/collection.h"
#include "store/table/keyspace.h"
#include "store/table/session_load.h"

namespace cloakroom {

/// Puts into an empty keyspace what a KeyspaceCapture handed out, in its order: for images and full
/// syncs alone. Everybody else changes a keyspace by Apply. Bytes come from outside, so nothing
/// about them is believed: kDamaged, with the reason, and the keyspace is of no more use.
class KeyspaceLoader {
 public:
  /// `time` is that of the capture; from now on it is the newest record's. Precondition: nothing
  /// was ever put into `keys`.
  KeyspaceLoader(Keyspace& keys, TimeMs time);

  [[nodiscard]] SessionLoader& sessions() { return sessions_; }

  /// A key with its value, in the form in which it lay.
  struct Stored {
    uint64_t db = 0;
    std::string_view key;
    ValueType type{};
    Encoding encoding{};
    TimeMs deadline = kNoDeadline;
    std::string_view value;
  };
  [[nodiscard]] Result<void> Add(const Stored& entry);
  /// `entry.number` is not looked at. What was begun counts as there once it has all its parts.
  [[nodiscard]] Result<void> Begin(const LargeEntry& entry);
  [[nodiscard]] Result<void> AddBytes(uint64_t number, std::string_view bytes);
  [[nodiscard]] Result<void> AddField(uint64_t number, std::string_view name,
                                      std::string_view value) {
    return AddElement(number, ValueType::kHash, name, value);
  }
  [[nodiscard]] Result<void> AddMember(uint64_t number, std::string_view member) {
    return AddElement(number, ValueType::kSet, member, {});
  }
  /// All was given.
  [[nodiscard]] Result<void> Finish() const;

 private:
  struct Large {
    uint32_t db = 0;
    std::string key;
    ValueType type{};
    Encoding encoding{};
    TimeMs deadline = kNoDeadline;
    uint64_t size = 0;
    std::string bytes;                       // of a string
    std::unique_ptr<Collection> collection;  // of the others
  };

  [[nodiscard]] Result<Large*> Find(uint64_t number);
  [[nodiscard]] Result<void> CheckNew(uint64_t db, std::string_view key, TimeMs deadline) const;
  Entry* Insert(uint32_t db, const Stored& entry);
  [[nodiscard]] Result<void> AddElement(uint64_t number, ValueType type, std::string_view name,
                                        std::string_view value);
  [[nodiscard]] Result<void> End(uint64_t number);

  Keyspace& keys_;
  const TimeMs time_;
  SessionLoader sessions_;
  uint64_t begun_ = 0;
  std::unordered_map<uint64_t, Large> large_;  // under way
};

}  // namespace cloakroom
