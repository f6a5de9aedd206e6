#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "store/op/op_reader.h"
#include "store/table/collection.h"
#include "store/table/entry.h"
#include "store/table/keyspace.h"
#include "store/table/table.h"

namespace cloakroom {

/// One change of a hash or set: for Keyspace::Apply alone. How they are read is in hash_value.h and
/// set_value.h.
///
/// A small collection is worked out in `scratch` and written back at once, so its block is resized
/// once a command. What grew over the limits becomes a Collection, and never turns back.
class CollectionEdit {
 public:
  struct Context {
    const PackedLimits& limits;
    uint64_t seed;          // for collections that become tables
    Table::Memory& inside;  // summed over the database's collections; kept in step
    std::string& scratch;   // its contents are lost
  };
  /// `entry` of `key` in `table`; nullptr when there is none yet.
  CollectionEdit(const Context& context, Table& table, const KeyRef& key, Entry* entry)
      : context_(context), table_(table), key_(key), entry_(entry) {}

  /// Sets fields of the hash, made if absent: field, value, field, value, ...
  void HashSet(ElementReader elements);
  /// Adds members to the set, made if absent.
  void SetAdd(ElementReader elements);
  /// Remove fields or members; absent ones are ignored. Return whether any is left: when none is,
  /// entry() is the caller's to erase.
  [[nodiscard]] bool HashDelete(ElementReader elements);
  [[nodiscard]] bool SetRemove(ElementReader elements);

  [[nodiscard]] Entry* entry() const { return entry_; }

 private:
  [[nodiscard]] bool Overwrite(ElementReader elements);
  void HashSetTable(Collection& collection, ElementReader elements);
  void SetAddTable(Collection& collection, ElementReader elements);
  [[nodiscard]] bool TableRemove(ElementReader elements);
  [[nodiscard]] bool PackedRemove(ElementReader elements, size_t stride);
  void WriteBack(ValueType type, Encoding encoding);
  Collection& BecomeTable(ValueType type);

  const Context& context_;
  Table& table_;
  const KeyRef& key_;
  Entry* entry_;
};

}  // namespace cloakroom
