#include <charconv>

#include "store/base/number.h"
#include "store/table/collection_edit.h"
#include "store/table/intset.h"
#include "store/table/packed.h"

namespace cloakroom {
namespace {

// A packed set is no wider than the cache lines that a lookup in a table would touch anyway.
constexpr size_t kPackedMembersMax = 128;
constexpr size_t kPackedMemberBytesMax = 64;

/// A set that is still small, while members are added to it.
struct SmallSet {
  std::string& bytes;
  Encoding form;  // kIntset or kPlain
  size_t size;

  /// Adds `member` if the set can stay small with it; false when it cannot.
  [[nodiscard]] bool Add(std::string_view member, uint32_t intset_max) {
    int64_t value = 0;
    if (form == Encoding::kIntset) {
      const bool integer = ParseInteger(member, value);
      if (integer && IntsetContains(bytes, value)) return true;
      if (integer && size < intset_max) {
        IntsetAdd(bytes, value);
        ++size;
        return true;
      }
      if (size >= kPackedMembersMax) return false;
      PackIntset();
    }
    PackedItem item;
    if (PackedFind(bytes, member, 1, item)) return true;
    if (size >= kPackedMembersMax || member.size() > kPackedMemberBytesMax) return false;
    AppendSized(bytes, member);
    ++size;
    return true;
  }

  void MoveTo(Collection& collection) const {
    if (form == Encoding::kIntset) {
      ForEachDigits([&collection](std::string_view member) { collection.Put(member, {}); });
      return;
    }
    PackedWalk walk(bytes);
    for (PackedItem item; walk.Next(item);) collection.Put(item.bytes, {});
  }

 private:
  void PackIntset() {
    std::string packed;
    ForEachDigits([&packed](std::string_view member) { AppendSized(packed, member); });
    bytes.assign(packed);
    form = Encoding::kPlain;
  }

  template <typename Visit>
  void ForEachDigits(Visit visit) const {
    for (size_t i = 0; i < size; ++i) {
      char digits[20];
      const auto end = std::to_chars(digits, digits + sizeof digits, IntsetAt(bytes, i)).ptr;
      visit(std::string_view(digits, static_cast<size_t>(end - digits)));
    }
  }
};

}  // namespace

void CollectionEdit::SetAdd(ElementReader elements) {
  SmallSet set{context_.scratch, Encoding::kIntset, 0};
  if (entry_ != nullptr) {
    CHECK(entry_->type() == ValueType::kSet);
    if (entry_->encoding() == Encoding::kTable)
      return SetAddTable(*CollectionOf(*entry_), elements);
    set.form = entry_->encoding();
    set.bytes.assign(entry_->value());
    set.size = set.form == Encoding::kIntset ? IntsetSize(set.bytes) : PackedCount(set.bytes);
  } else {
    set.bytes.clear();
  }
  while (elements.more()) {
    const ElementReader rest = elements;
    if (!set.Add(elements.Next(), context_.limits.set_intset_entries_max)) {
      Collection& collection = BecomeTable(ValueType::kSet);
      set.MoveTo(collection);
      context_.inside += collection.table.memory();
      return SetAddTable(collection, rest);
    }
  }
  WriteBack(ValueType::kSet, set.form);
}

void CollectionEdit::SetAddTable(Collection& collection, ElementReader elements) {
  context_.inside -= collection.table.memory();
  while (elements.more()) collection.Put(elements.Next(), {});
  context_.inside += collection.table.memory();
}

bool CollectionEdit::SetRemove(ElementReader elements) {
  CHECK(entry_ != nullptr && entry_->type() == ValueType::kSet);
  if (entry_->encoding() == Encoding::kTable) return TableRemove(elements);
  if (entry_->encoding() == Encoding::kPlain) return PackedRemove(elements, 1);
  size_t size = entry_->value_size();
  while (elements.more()) {
    int64_t value = 0;
    if (ParseInteger(elements.Next(), value))
      size = IntsetRemove(entry_->value_data(), size, value);
  }
  if (IntsetSize({entry_->value_data(), size}) == 0) return false;
  if (size != entry_->value_size()) entry_ = table_.Resize(key_, entry_, size);
  return true;
}

}  // namespace cloakroom
