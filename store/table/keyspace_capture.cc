#include "store/table/keyspace_capture.h"

#include <algorithm>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "store/base/check.h"
#include "store/table/keyspace_impl.h"
#include "store/table/session_capture.h"
#include "store/table/table_capture.h"

namespace cloakroom {
namespace {

constexpr size_t kPartBytes = 64 << 10;  // what is longer is handed out in parts
constexpr size_t kBytesAUnit = 1 << 10;  // of the budget
constexpr size_t kElementsAtOnce = 64;   // a collection of no more is not captured for itself

void TakeElement(CaptureSink& sink, uint64_t number, ValueType type, const Entry& element) {
  if (type == ValueType::kHash)
    sink.OnField(number, element.key(), element.value());
  else
    sink.OnMember(number, element.key());
}

}  // namespace

struct KeyspaceCapture::Impl {
  /// One database, by the number that it had in the beginning.
  struct Database final : TableCapture::Sink {
    Database(Impl& capture, uint32_t number, Table& of)
        : owner(capture), db(number), table(of), walk(of, *this) {}
    void Take(const Entry& entry) override { owner.TakeEntry(*this, entry); }
    void BeforeChange(const Position& position) override { owner.CopyRest(*this, position); }

    Impl& owner;
    const uint32_t db;
    Table& table;
    TableCapture walk;
  };

  /// The inside of a large collection.
  struct Inside final : TableCapture::Sink {
    Inside(CaptureSink& to, uint64_t number_of, ValueType type_of, Collection& collection)
        : sink(to), number(number_of), type(type_of), walk(collection.table, *this) {}
    void Take(const Entry& element) override { TakeElement(sink, number, type, element); }

    CaptureSink& sink;
    const uint64_t number;
    const ValueType type;
    TableCapture walk;
  };

  /// A large string of which `done` bytes are handed out. It is read where it stands, until that
  /// changes.
  struct LongString {
    Database* database;
    std::string key;
    Position position;
    uint64_t number;
    size_t size;
    size_t done;
    bool copied;
    std::string rest;  // if copied: the bytes from `rest_at` on
    size_t rest_at;

    [[nodiscard]] KeyRef ref() const { return {key, position}; }
    [[nodiscard]] std::string_view Next() const {
      const std::string_view all = copied ? rest : database->table.Find(ref())->value();
      return all.substr(done - (copied ? rest_at : 0), kPartBytes);
    }
  };

  Impl(Keyspace::Impl& captured, TimeMs at, CaptureSink& to)
      : keys(captured), time(at), sink(to), sessions(captured.sessions, at, to) {
    CHECK(time >= keys.time_ms);
    expected = sessions.expected();
    for (const uint32_t db : keys.used) {
      Table& table = *keys.databases[db].table;
      expected += table.size();
      databases.push_back(std::make_unique<Database>(*this, db, table));
    }
  }

  void TakeEntry(Database& database, const Entry& entry) {
    if (!entry.LiveAt(time)) return;
    if (entry.encoding() == Encoding::kTable) return TakeCollection(database.db, entry);
    if (entry.value_size() <= kPartBytes || entry.type() != ValueType::kString)
      return sink.OnEntry(database.db, entry);
    Begin(database.db, entry, entry.value_size());
    const Position position = keys.Locate(entry.key());
    strings.push_back({&database,
                       std::string(entry.key()),
                       position,
                       begun - 1,
                       entry.value_size(),
                       0,
                       false,
                       {},
                       0});
    database.walk.Await(position);
  }

  void TakeCollection(uint32_t db, const Entry& entry) {
    Collection& collection = *CollectionOf(entry);
    Table& table = collection.table;
    Begin(db, entry, table.size());
    if (table.size() > kElementsAtOnce || table.memory().block_bytes > kPartBytes) {
      insides.push_back(std::make_unique<Inside>(sink, begun - 1, entry.type(), collection));
      return;
    }
    uint64_t cursor = 0;
    do {
      cursor = table.Scan(cursor, [&](const Entry& element) {
        TakeElement(sink, begun - 1, entry.type(), element);
      });
    } while (cursor != 0);
  }

  void Begin(uint32_t db, const Entry& entry, size_t size) {
    sink.OnLarge(
        {begun++, db, entry.key(), entry.type(), entry.encoding(), entry.deadline(), size});
  }

  /// What is left of the strings that stand at `position` is about to change.
  void CopyRest(Database& database, const Position& position) {
    for (LongString& string : strings) {
      if (string.copied || string.database != &database || string.position != position) continue;
      string.rest = database.table.Find(string.ref())->value().substr(string.done);
      string.rest_at = string.done;
      string.copied = true;
      database.walk.NoLongerAwait(position);
    }
  }

  void StepString(size_t& budget) {
    LongString& string = strings.front();
    const std::string_view part = string.Next();
    sink.OnBytes(string.number, part);
    string.done += part.size();
    budget -= std::min(budget, part.size() / kBytesAUnit + 1);
    if (string.done < string.size) return;
    if (!string.copied) string.database->walk.NoLongerAwait(string.position);
    strings.pop_front();
  }

  Keyspace::Impl& keys;
  const TimeMs time;
  CaptureSink& sink;
  SessionCapture sessions;
  size_t expected = 0;
  uint64_t begun = 0;                                // large entries
  std::vector<std::unique_ptr<Database>> databases;  // those that are not done
  std::deque<std::unique_ptr<Inside>> insides;
  std::deque<LongString> strings;
};

KeyspaceCapture::KeyspaceCapture(Keyspace& keys, TimeMs time, CaptureSink& sink)
    : impl_(std::make_unique<Impl>(*keys.impl_, time, sink)) {}

KeyspaceCapture::~KeyspaceCapture() = default;

// What was begun is finished first, so that little is under way at once.
bool KeyspaceCapture::Step(size_t budget) {
  Impl& impl = *impl_;
  while (budget > 0) {
    if (!impl.strings.empty()) {
      impl.StepString(budget);
    } else if (!impl.insides.empty()) {
      if (impl.insides.front()->walk.Step(budget)) impl.insides.pop_front();
    } else if (!impl.databases.empty()) {
      if (impl.databases.back()->walk.Step(budget) && impl.strings.empty())
        impl.databases.pop_back();
    } else {
      return impl.sessions.Step(budget);
    }
  }
  return false;
}

size_t KeyspaceCapture::expected() const { return impl_->expected; }

size_t KeyspaceCapture::memory_bytes() const {
  size_t bytes = impl_->sessions.memory_bytes();
  for (const auto& database : impl_->databases) bytes += database->walk.memory_bytes();
  for (const auto& inside : impl_->insides) bytes += sizeof *inside + inside->walk.memory_bytes();
  for (const Impl::LongString& string : impl_->strings)
    bytes += sizeof string + string.key.capacity() + string.rest.capacity();
  return bytes;
}

}  // namespace cloakroom
