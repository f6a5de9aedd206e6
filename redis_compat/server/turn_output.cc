// The turn's other end: what goes to clients, and what becomes of those who do not take it.

#include <algorithm>

#include "redis_compat/server/turn.h"
#include "store/base/log.h"

namespace cloakroom {

void Turn::NeedsFlush(Connection& connection) {
  if (connection.flushing) return;
  connection.flushing = true;
  flushing_.push_back(&connection);
}

// A message depends on the newest change before it, as the reply to a read does: who is told of a
// change will find it, even after a crash.
void Turn::Push(Connection& connection, std::string_view message) {
  if (connection.place == Place::kDoomed || connection.place == Place::kClosing) return;
  const Shard& shard = dispatcher_.shard();
  std::string& out = connection.output.Writer(pool_);
  const AckLevel level = shard.promised();
  if (level != AckLevel::kMemory && shard.Reached(level) < shard.last_change())
    connection.output.HoldFrom(out.size(), level, shard.last_change());
  out.append(message);
  NeedsFlush(connection);
  if (!in_run_) {
    pushed_late_ = true;
    scheduler_.RequestTurn();
  }
  if (connection.PendingBytes() > kOutputUnchecked) CheckOutputLimit(connection);
}

const OutputLimit& Turn::LimitOf(const Connection& connection) const {
  return connection.client.subscribed() ? settings_.output_limit_pubsub
                                        : settings_.output_limit_normal;
}

bool Turn::CheckOutputLimit(Connection& connection) {
  const size_t pending_bytes = connection.PendingBytes();
  // Those who are sent what they did not ask for cannot be made to wait.
  const bool unasked = connection.client.monitor || connection.client.subscribed();
  const bool hopeless = unasked && TooMuchUnsent(connection);
  if (!hopeless &&
      !connection.watch.Exceeded(LimitOf(connection), pending_bytes, dispatcher_.shard().now()))
    return false;
  Log(LogLevel::kWarning,
      "Client id={} addr={} name={} cmd={} omem={} closed for overcoming of output buffer limits.",
      connection.client.id, connection.client.address, connection.client.name,
      connection.client.last_command, pending_bytes);
  ++counters_.output_buffer_limit_disconnections;
  Doom(connection);
  return true;
}

// The flush at the end of the turn decides whether it goes on at once or has to wait.
void Turn::Stall(Connection& connection) {
  connection.ParseAgain();
  MoveTo(connection, Place::kStalled);
}

bool Turn::TooMuchUnsent(const Connection& connection) const {
  const OutputLimit& limit = LimitOf(connection);
  size_t most = std::max<size_t>({kOutputMax, limit.hard_bytes, limit.soft_bytes});
  if (unsent_bytes_ > kOutputTotalMax) most = std::min(most, kOutputEnough);
  return connection.PendingBytes() >= most;
}

void Turn::FlushAll() {
  const size_t count = flushing_.size();
  for (size_t i = 0; i < count; ++i) {
    Connection& connection = *flushing_[i];
    connection.flushing = false;
    if (connection.place == Place::kDoomed) continue;
    Flush(connection);
    if (connection.output.held() > 0) NeedsFlush(connection);  // looked at again next turn
  }
  flushing_.erase(flushing_.begin(), flushing_.begin() + static_cast<std::ptrdiff_t>(count));
}

// Those who have nothing left over need not wait for those who have.
void Turn::FlushIdle() {
  size_t kept = 0;
  for (Connection* const connection : flushing_) {
    if (connection->place == Place::kIdle && connection->output.held() == 0) {
      connection->flushing = false;
      Flush(*connection);
    } else {
      flushing_[kept++] = connection;
    }
  }
  flushing_.resize(kept);
}

void Turn::Flush(Connection& connection) {
  const Shard& shard = dispatcher_.shard();
  const size_t sent_bytes = connection.output.Flush(
      connection.stream(), pool_,
      [&shard](AckLevel level, uint64_t sequence) { return shard.Reached(level) >= sequence; });
  if (sent_bytes > 0) ++counters_.writes;
  connection.client.net_output_bytes += sent_bytes;
  counters_.net_output_bytes += sent_bytes;

  const size_t pending_bytes = connection.PendingBytes();
  unsent_bytes_ += pending_bytes - connection.counted_output;
  connection.counted_output = pending_bytes;
  // Requests that were left over from an earlier turn lay in memory of their own.
  if (!connection.touched && connection.input().own_bytes() > 0) connection.Settle();
  client_memory_.Count(connection);
  if (connection.place == Place::kClosing && pending_bytes == 0) {
    Doom(connection);
  } else if (connection.place == Place::kStalled) {
    const bool wait = TooMuchUnsent(connection);
    connection.SetReading(!wait);
    if (!wait) MoveTo(connection, Place::kBacklog);
  }
}

}  // namespace cloakroom
