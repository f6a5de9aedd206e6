#include "store/table/collection_edit.h"
#include "store/table/packed.h"

namespace cloakroom {
namespace {

// No sweep visits the insides of collections: who takes members out gives their memory back.
constexpr size_t kCompactPerRemoval = 2;

/// Sets a field in place, or adds it at the end; true when it is new. O(size).
bool PackedPut(std::string& packed, std::string_view field, std::string_view value) {
  PackedItem name, old;
  if (!PackedFind(packed, field, 2, name, &old)) {
    AppendSized(packed, field);
    AppendSized(packed, value);
    return true;
  }
  const auto start = static_cast<size_t>(old.start - packed.data());
  const auto size = static_cast<size_t>(old.bytes.end() - old.start);
  char prefix[kVarintBytesMax];
  const auto prefix_size = static_cast<size_t>(PutVarint(prefix, value.size()) - prefix);
  packed.replace(start, size, value);
  packed.insert(start, prefix, prefix_size);
  return false;
}

void MoveToTable(std::string_view packed, Collection& collection) {
  PackedWalk walk(packed);
  for (PackedItem field, value; walk.Next(field);) {
    CHECK(walk.Next(value));
    collection.Put(field.bytes, value.bytes);
  }
}

}  // namespace

void CollectionEdit::HashSet(ElementReader elements) {
  if (entry_ != nullptr) {
    CHECK(entry_->type() == ValueType::kHash);
    if (entry_->encoding() == Encoding::kTable)
      return HashSetTable(*CollectionOf(*entry_), elements);
    if (Overwrite(elements)) return;
  }
  std::string& packed = context_.scratch;
  const PackedLimits& limits = context_.limits;
  packed.assign(entry_ != nullptr ? entry_->value() : std::string_view());
  size_t fields = PackedCount(packed) / 2;
  while (elements.more()) {
    const ElementReader rest = elements;
    const std::string_view field = elements.Next();
    const std::string_view value = elements.Next();
    const bool small =
        field.size() <= limits.hash_value_bytes_max && value.size() <= limits.hash_value_bytes_max;
    if (small && PackedPut(packed, field, value)) ++fields;
    if (!small || fields > limits.hash_entries_max) {
      Collection& collection = BecomeTable(ValueType::kHash);
      MoveToTable(packed, collection);
      context_.inside += collection.table.memory();
      return HashSetTable(collection, rest);
    }
  }
  WriteBack(ValueType::kHash, Encoding::kPlain);
}

/// The commonest change of a packed hash: one field gets a value of the same size.
bool CollectionEdit::Overwrite(ElementReader elements) {
  const std::string_view field = elements.Next();
  const std::string_view value = elements.Next();
  if (elements.more()) return false;
  PackedItem name, old;
  if (!PackedFind(entry_->value(), field, 2, name, &old)) return false;
  if (old.bytes.size() != value.size()) return false;
  const auto offset = static_cast<size_t>(old.bytes.data() - entry_->value().data());
  std::memcpy(entry_->value_data() + offset, value.data(), value.size());
  return true;
}

void CollectionEdit::HashSetTable(Collection& collection, ElementReader elements) {
  context_.inside -= collection.table.memory();
  while (elements.more()) {
    const std::string_view field = elements.Next();
    collection.Put(field, elements.Next());
  }
  context_.inside += collection.table.memory();
}

bool CollectionEdit::HashDelete(ElementReader elements) {
  CHECK(entry_ != nullptr && entry_->type() == ValueType::kHash);
  return entry_->encoding() == Encoding::kTable ? TableRemove(elements) : PackedRemove(elements, 2);
}

bool CollectionEdit::TableRemove(ElementReader elements) {
  Collection& collection = *CollectionOf(*entry_);
  context_.inside -= collection.table.memory();
  for (; elements.more(); collection.table.Compact(kCompactPerRemoval))
    collection.Remove(elements.Next());
  context_.inside += collection.table.memory();
  return collection.table.size() > 0;
}

/// Closes the gaps in place, then gives back what the block has too much.
bool CollectionEdit::PackedRemove(ElementReader elements, size_t stride) {
  const char* const data = entry_->value_data();
  size_t size = entry_->value_size();
  while (elements.more()) {
    PackedItem item, value;
    if (!PackedFind({data, size}, elements.Next(), stride, item, stride == 2 ? &value : nullptr))
      continue;
    const char* const next = stride == 2 ? value.bytes.end() : item.bytes.end();
    std::memmove(entry_->value_data() + (item.start - data), next,
                 static_cast<size_t>(data + size - next));
    size -= static_cast<size_t>(next - item.start);
  }
  if (size != entry_->value_size() && size > 0) entry_ = table_.Resize(key_, entry_, size);
  return size > 0;
}

void CollectionEdit::WriteBack(ValueType type, Encoding encoding) {
  const std::string& value = context_.scratch;
  if (entry_ == nullptr) {
    entry_ = table_.Insert(key_, type, encoding, value.size());
  } else {
    if (entry_->value_size() != value.size()) entry_ = table_.Resize(key_, entry_, value.size());
    entry_->set_type(type, encoding);
  }
  std::memcpy(entry_->value_data(), value.data(), value.size());
}

/// Leaves an empty collection at entry(), made if absent; its small form is in `scratch`.
Collection& CollectionEdit::BecomeTable(ValueType type) {
  auto* const collection = new Collection(context_.seed);
  if (entry_ == nullptr) {
    entry_ = table_.Insert(key_, type, Encoding::kTable, sizeof(void*));
  } else {
    entry_ = table_.Resize(key_, entry_, sizeof(void*));
    entry_->set_type(type, Encoding::kTable);
  }
  std::memcpy(entry_->value_data(), &collection, sizeof(void*));
  return *collection;
}

}  // namespace cloakroom
