#include <algorithm>
#include <utility>

#include "store/base/chunk_arena.h"
#include "store/table/keyspace_impl.h"

namespace cloakroom {
namespace {

constexpr size_t kSlice = 64;  // the work that one database gets before the next has its turn

}  // namespace

void Keyspace::Impl::Detach(Database& database) {
  detached.Add(std::move(database.table), database.inside);
  database = Database{};
}

// Each kind of work is sure of a share, so that none of them can starve another; what is left over
// goes to what has most to do.
bool Keyspace::Sweep(TimeMs now, size_t budget) {
  Impl& impl = *impl_;
  bool none_due = true;
  bool compact = true;
  size_t left = budget - budget / 2;
  left = impl.SweepDue(now, left, none_due) + budget / 4;
  left = impl.detached.Drain(left) + (budget / 2 - budget / 4);
  left = impl.Compact(left, compact);
  if (!none_due) left = impl.SweepDue(now, left, none_due);
  left = impl.detached.Drain(left);
  (void)ChunkArena::Get().Purge(left + budget / 8);
  return none_due && compact && impl.detached.Drained() && !ChunkArena::Get().PurgeWaits();
}

/// Frees due entries of the databases and the sessions in turns, a slice each.
size_t Keyspace::Impl::SweepDue(TimeMs now, size_t budget, bool& done) {
  done = false;
  while (!done && budget > 0) {
    done = true;
    for (size_t i = 0; i < used.size() && budget > 0; ++i) {
      Database& database = databases[used[(sweep_first + i) % used.size()]];
      budget = FireDatabase(database, now, budget, done);
    }
    if (budget > 0) {
      const size_t slice = std::min(budget, kSlice);
      const bool sessions_done = sessions.Sweep(now, slice);
      budget -= sessions_done ? 1 : slice;
      done = done && sessions_done;
    }
    ++sweep_first;
  }
  return budget;
}

size_t Keyspace::Impl::FireDatabase(Database& database, TimeMs now, size_t budget, bool& done) {
  Table& table = *database.table;
  const size_t slice = std::min(budget, kSlice);
  size_t fired = 0;
  const bool all = table.FireDue(now, slice, [&](const KeyRef& key, Entry* entry) {
    ++fired;
    Expired(database, key.bytes);
    Erase(database, key, entry);
  });
  done = done && all;
  return budget - (all ? std::min(slice, fired + 1) : slice);
}

size_t Keyspace::Impl::Compact(size_t budget, bool& done) {
  done = false;
  while (!done && budget > 0) {
    done = true;
    for (size_t i = 0; i < used.size() && budget > 0; ++i) {
      Database& database = databases[used[(sweep_first + i) % used.size()]];
      const size_t slice = std::min(budget, kSlice);
      const bool compact = database.table->Compact(slice);
      budget -= compact ? 1 : slice;
      done = done && compact;
    }
  }
  return budget;
}

void Keyspace::PackStill() {
  for (const uint32_t db : impl_->used) impl_->databases[db].table->PackStill();
  impl_->sessions.PackStill();
}

TimeMs Keyspace::NextDue() const {
  TimeMs first = impl_->sessions.NextDue();
  for (const uint32_t db : impl_->used) {
    const TimeMs due = impl_->databases[db].table->NextDue();
    if (due != kNoDeadline && (first == kNoDeadline || due < first)) first = due;
  }
  return first;
}

void Keyspace::SweepDetached() { impl_->detached.FreeAll(); }

void Keyspace::DrainDetached(size_t budget) { (void)impl_->detached.Drain(budget); }

size_t Keyspace::Detached() const { return impl_->detached.size(); }

}  // namespace cloakroom
