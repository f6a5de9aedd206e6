#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "store/base/result.h"
#include "store/base/time.h"
#include "store/op/session_key.h"
#include "store/op/session_policy.h"
#include "store/table/session_shape.h"
#include "store/table/session_space.h"
#include "store/table/spent_token.h"

namespace cloakroom {

/// Puts into an empty SessionSpace what a SessionCapture handed out: a part of KeyspaceLoader. What
/// is derived (the users' index, counts, the wheel) is made anew. Bytes come from outside, so
/// nothing about them is believed: kDamaged, with the reason, and the space is of no more use.
class SessionLoader {
 public:
  SessionLoader(SessionSpace& space, TimeMs time) : space_(space), time_(time) {}
  ~SessionLoader();
  SessionLoader(const SessionLoader&) = delete;
  SessionLoader& operator=(const SessionLoader&) = delete;

  void SetSerial(uint64_t serial);
  [[nodiscard]] Result<void> AddNamespace(uint32_t id, std::string_view name,
                                          const SessionPolicy* policy);

  /// What sessions have in common, named as in the capture.
  struct Shape {
    uint32_t ns = 0;
    uint64_t idle_ms = 0;
    uint64_t abs_ms = 0;
    uint32_t meta_count = 0;
    std::span<const std::string_view> names;  // of meta, then of fields
  };
  /// Makes a shape that the sessions to come may have; the first is number 1.
  [[nodiscard]] Result<void> AddShape(const Shape& shape);
  /// Forgets the newest one.
  void DropShape();
  [[nodiscard]] size_t shapes() const { return shapes_.size(); }

  struct Session {
    SessionKey key;
    TimeMs deadline = 0;
    uint64_t shape = 0;                 // its number
    uint8_t flags = 0;                  // SessionView's
    std::string_view body;              // see SessionBody
    std::span<const SpentToken> spent;  // as many as the body has; `session` is filled in
  };
  /// About 400 ns, most of it waiting for the index; cheap where keys come in the order of slots.
  [[nodiscard]] Result<void> Add(const Session& session);
  [[nodiscard]] Result<void> AddTombstone(const SessionKey& key, TimeMs until);
  [[nodiscard]] Result<void> AddUserMark(uint32_t ns, std::string_view user, TimeMs at,
                                         TimeMs until);

 private:
  struct Loaded {
    uint32_t ns = 0;
    uint32_t id = 0;          // of the space's shape, of which a use is held; 0: not shared
    std::string description;  // with a use of each name, if not shared
    uint32_t meta_count = 0;
    uint32_t field_count = 0;
  };

  [[nodiscard]] Result<uint32_t> FindNamespace(uint32_t id) const;
  [[nodiscard]] Result<void> CheckPlace(const SessionKey& key) const;
  [[nodiscard]] Result<void> AddSpent(const Session& session, std::string_view keys);
  void AppendShape(const Loaded& shape);
  void Release(const Loaded& shape);

  SessionSpace& space_;
  const TimeMs time_;
  std::vector<uint32_t> namespaces_;    // the space's ids + 1, by the capture's; 0: none
  std::unordered_set<uint32_t> named_;  // the space's ids that are in it
  std::vector<Loaded> shapes_;
  std::string value_;
};

}  // namespace cloakroom
