#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/base/function_ref.h"
#include "store/table/session_value.h"

namespace cloakroom {

/// Items by name, in order. A few are searched one by one, many through a tree.
class SessionItems {
 public:
  void Clear();
  void Append(const SessionItem& item);
  /// The item of `name`, or nullptr.
  [[nodiscard]] SessionItem* Find(std::string_view name);
  /// Sets the item of `name`, appended when there is none.
  void Set(std::string_view name, std::string_view value, uint32_t version = 0);
  /// Marks `item` as deleted by `version`.
  static void Delete(SessionItem& item, uint32_t version);
  /// Removes those for which `gone` is true.
  void RemoveIf(FunctionRef<bool(const SessionItem&)> gone);

  [[nodiscard]] std::vector<SessionItem>& all() { return items_; }
  [[nodiscard]] const std::vector<SessionItem>& all() const { return items_; }
  /// Bytes of the names and values that are not deleted: what max-bytes bounds.
  [[nodiscard]] uint64_t Bytes() const;

 private:
  std::vector<SessionItem> items_;
  std::map<std::string_view, size_t> places_;  // kept from kSearched items on
  static constexpr size_t kSearched = 32;
};

/// A session taken apart, to be changed and put together again.
struct SessionDraft {
  SessionView head;                         // its meta, fields, spent keys and handle are ignored
  std::optional<SessionHandle> own_handle;  // none: derived from the key
  std::string spent;
  SessionItems meta;  // of stored items `stored_value` holds, and not `value`
  SessionItems fields;

  /// Starts from a stored session, whose bytes must outlive the draft's use.
  void Load(const SessionView& session, const FieldNames& names);
  void Clear();

  /// Drops the oldest deletions when their names take too much room, remembering how far.
  void ForgetDeletions();

  /// Appends the value. The use of a shape, or of names, that the loaded session had goes over to
  /// what is appended: its bytes must be replaced, or no longer count.
  void Encode(SessionShapes& shapes, FieldNames& names, std::string& out) const;

 private:
  /// Whether the loaded session's shape is the draft's.
  [[nodiscard]] bool KeepsShape() const;
  /// Whether `shape` is the draft's.
  [[nodiscard]] bool Fits(const SessionShape& shape, const FieldNames& names) const;
  void AppendShape(SessionShapes& shapes, FieldNames& names, std::string& shape,
                   std::string& description) const;

  std::optional<SessionView> loaded_;
};

}  // namespace cloakroom
