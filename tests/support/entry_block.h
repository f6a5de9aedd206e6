#pragma once

#include <cstring>
#include <memory>
#include <string_view>

#include "store/base/time.h"
#include "store/table/entry.h"

namespace cloakroom {

/// One entry on its own, without a table, for code that only reads entries.
class EntryBlock {
 public:
  EntryBlock(std::string_view key, ValueType type, Encoding encoding, std::string_view value,
             TimeMs deadline = kNoDeadline)
      : bytes_(std::make_unique<char[]>(kLongSizes + Entry::BlockBytes(key.size(), value.size()))) {
    Entry* entry = reinterpret_cast<Entry*>(bytes_.get());
    entry->Init(key, type, encoding, static_cast<uint32_t>(value.size()));
    entry->set_deadline(deadline);
    std::memcpy(entry->value_data(), value.data(), value.size());
  }

  [[nodiscard]] const Entry* get() const { return reinterpret_cast<const Entry*>(bytes_.get()); }
  const Entry& operator*() const { return *get(); }

 private:
  // Room for the fields that only the long form has: compilers see them read, but not that they are
  // not.
  static constexpr size_t kLongSizes = 8;

  std::unique_ptr<char[]> bytes_;
};

}  // namespace cloakroom
