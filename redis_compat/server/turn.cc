#include "redis_compat/server/turn.h"

#include <algorithm>
#include <utility>

#include "redis_compat/command/server_control.h"
#include "store/base/check.h"
#include "store/base/log.h"

namespace cloakroom {
namespace {

// An entry counts the bytes of its key and of its value in 32 bits.
constexpr uint64_t kWordBytesMax = UINT32_MAX;
constexpr size_t kLargeRequest = size_t{64} << 10;  // its bytes matter to a memory limit
constexpr size_t kWordsKept = size_t{64} << 10;     // words whose memory a group keeps for the next
constexpr size_t kDueBudget = 256;  // units of ending what is due before a turn's commands read

// A browser that was tricked into sending us a form sends HTTP first.
bool IsHttp(std::string_view word) {
  return EqualsIgnoreCase(word, "POST") || EqualsIgnoreCase(word, "HOST:");
}

}  // namespace

Turn::Turn(Dispatcher& dispatcher, LoopMeter& meter, Scheduler& scheduler,
           const ServerControl& control, const Settings& settings,
           std::function<void(Connection&)> bury)
    : dispatcher_(dispatcher),
      meter_(meter),
      scheduler_(scheduler),
      control_(control),
      settings_(settings),
      bury_(std::move(bury)) {}

bool Turn::Run() {
  executed_ = 0;
  late_ = false;
  meter_.Wake();
  ++turn_;
  shared_ = meter_.since_us() < shared_until_us_;
  dispatcher_.shard().BeginTurn();
  in_run_ = true;
  pushed_late_ = false;
  if (dispatcher_.HearsExpiry()) [[unlikely]]
    EndDue();
  ResumeWaiting();
  bool flushed = false;
  while (!late_ && !stopped_ && !dispatcher_.shard().Congested()) {
    if (!flushed && executed_ > 0 && In(Place::kFresh).empty() && !In(Place::kBacklog).empty()) {
      FlushIdle();
      flushed = true;
    }
    FillGroup();
    if (visits_.empty()) break;
    if (items_.size() > 1)  // a lone request would wait for its own prefetch
      for (const Item& item : items_)
        if (!item.malformed) dispatcher_.PrefetchEntry(item.prepared);
    ExecuteGroup();
    AfterGroup();
  }
  while (Connection* const connection = In(Place::kSpent).first())
    MoveTo(*connection, Place::kBacklog);
  dispatcher_.shard().EndTurn();
  FlushAll();
  in_run_ = false;
  SettleAll();
  if (settings_.clients_memory_max != 0) EvictClients();
  BuryDoomed();
  TellMemory();
  arena_.Reset();
  // When the log has caught up, it asks for a turn.
  return !stopped_ && !dispatcher_.shard().Congested() &&
         !(In(Place::kFresh).empty() && In(Place::kBacklog).empty() && !AnyWaitsForMemory());
}

// Whoever finds a key gone has then been told before that it expired. During a pause nothing ends.
void Turn::EndDue() {
  Shard& shard = dispatcher_.shard();
  if (!stopped_ && !shard.loading() && control_.paused() == PauseMode::kOff)
    shard.EndDue(kDueBudget);
}

Connection* Turn::Pick() {
  Connection* const fresh = In(Place::kFresh).first();
  Connection* const backlog = executed_ < kRequestsMax ? In(Place::kBacklog).first() : nullptr;
  if (fresh == nullptr || backlog == nullptr) return fresh != nullptr ? fresh : backlog;
  return ++picks_ % 4 == 0 ? backlog : fresh;
}

void Turn::FillGroup() {
  items_.clear();
  visits_.clear();
  words_.Clear();
  if (words_.views.capacity() > kWordsKept) words_.views = {};
  while (items_.size() < kGroup) {
    Connection* const connection = Pick();
    if (connection == nullptr) return;
    Parse(*connection);
  }
}

void Turn::Parse(Connection& connection) {
  Visit visit{&connection, true, connection.place == Place::kFresh};
  MoveTo(connection, Place::kRunning);
  NoteServed(connection, visit.fresh);
  const RequestLimits limits{
      .word_bytes_max = static_cast<int64_t>(std::min(settings_.bulk_bytes_max, kWordBytesMax)),
      .unauthenticated = !connection.client.authenticated && control_.PasswordRequired()};
  // The request at hand may be AUTH, which lifts the limits for the next.
  const size_t items_max = limits.unauthenticated ? items_.size() + 1 : kGroup;
  const size_t items_before = items_.size();
  while (items_.size() < items_max) {
    Item item{&connection, words_.views.size(), 0, 0, false, {}};
    const RequestParser::Status status = connection.ParseNext(limits, words_, item.bytes);
    if (status == RequestParser::Status::kNeedMore) {
      visit.more = false;
      if (items_.size() > items_before)
        items_.back().bytes += item.bytes;
      else
        connection.Executed(item.bytes);
      break;
    }
    item.malformed = status == RequestParser::Status::kError;
    item.words = words_.views.size() - item.first_word;
    if (!item.malformed) item.prepared = dispatcher_.Prepare(connection.client, Words(item));
    items_.push_back(item);
    if (item.malformed) break;
  }
  visits_.push_back(visit);
}

void Turn::NoteServed(Connection& connection, bool fresh) {
  if (connection.client.id != last_id_) {
    last_id_ = connection.client.id;
    shared_until_us_ = meter_.since_us() + kAloneUs;
  }
  connection.share_us = !shared_ ? kLastingUs : fresh ? kFreshUs : kLeftOverUs;
  if (connection.turn == turn_) return;
  connection.turn = turn_;
  connection.spent_us = 0;
}

Args Turn::Words(const Item& item) const {
  return Args(std::span(words_.views).subspan(item.first_word, item.words));
}

void Turn::ExecuteGroup() {
  for (const Item& item : items_) {
    if (item.connection->place != Place::kRunning) continue;
    const bool spent = item.connection->spent_us >= item.connection->share_us;
    if (late_ || stopped_ || spent) {
      item.connection->ParseAgain();
      MoveTo(*item.connection, spent ? Place::kSpent : Place::kBacklog);
      continue;
    }
    if (item.malformed)
      EndMalformed(*item.connection);
    else
      Execute(item);
  }
}

void Turn::Execute(const Item& item) {
  Connection& connection = *item.connection;
  const Args words = Words(item);
  if (item.prepared.command == nullptr && IsHttp(words[0])) [[unlikely]] {
    Log(LogLevel::kWarning,
        "Client {} speaks HTTP: perhaps a browser was made to attack this server. Closed.",
        connection.client.address);
    Doom(connection);
    return;
  }

  std::string& out = connection.output.Writer(pool_);
  const size_t start = out.size();
  const Dispatcher::Outcome outcome =
      dispatcher_.Execute(connection.client, words, item.prepared, out);
  if (outcome.postponed) [[unlikely]] {
    connection.ParseAgain();
    connection.SetReading(false);
    MoveTo(connection, Place::kPaused);
    NeedsFlush(connection);
    return;
  }
  if (outcome.waits_for_memory || outcome.waits_for_log) [[unlikely]] {
    connection.ParseAgain();
    MoveTo(connection, Place::kWaiting);
    NeedsFlush(connection);
    return;
  }
  ++executed_;
  ++connection.taken;
  connection.spent_us += outcome.duration_us;
  connection.Executed(item.bytes);
  NeedsFlush(connection);
  if (item.bytes >= kLargeRequest) [[unlikely]] {
    client_memory_.Count(connection);  // what it brought is no longer its own
    TellMemory();
  }
  if (outcome.level != AckLevel::kMemory && out.size() > start &&
      dispatcher_.shard().Reached(outcome.level) < outcome.depends_on)
    connection.output.HoldFrom(start, outcome.level, outcome.depends_on);
  late_ = dispatcher_.LastReadingUs() - meter_.since_us() > kLastingUs;

  if (connection.place != Place::kRunning) return;  // it ended itself
  if (connection.client.becomes_replica) [[unlikely]] {
    std::string received;
    StreamPtr stream = connection.Release(received);
    Doom(connection);
    adopt_(std::move(stream), received);
    return;
  }
  if (connection.client.close_after_reply) [[unlikely]] {
    CloseAfterReply(connection);
    return;
  }
  if (out.size() > kOutputUnchecked && !CheckOutputLimit(connection) && out.size() >= kOutputEnough)
    Stall(connection);
}

void Turn::EndMalformed(Connection& connection) {
  Log(LogLevel::kVerbose, "{} from client {}", connection.parse_error(), connection.client.address);
  if (connection.client.reply_mode == ReplyMode::kOn) {
    std::string& out = connection.output.Writer(pool_);
    const size_t start = out.size();
    out.append("-ERR ").append(connection.parse_error()).append("\r\n");
    dispatcher_.CountError(std::string_view(out).substr(start));
  }
  CloseAfterReply(connection);
}

void Turn::AfterGroup() {
  // From the back, because those that keep their turn go to the front of the line.
  for (size_t i = visits_.size(); i-- > 0;) {
    Connection& connection = *visits_[i].connection;
    if (connection.place == Place::kBacklog) {  // was cut short
      if (visits_[i].fresh) MoveTo(connection, Place::kFresh, true);
      continue;
    }
    if (connection.place != Place::kRunning) continue;
    if (!visits_[i].more) {
      MoveTo(connection, Place::kIdle);
      if (connection.peer_ended) CloseAfterReply(connection);
    } else if (connection.spent_us >= connection.share_us) {
      MoveTo(connection, Place::kSpent);
    } else if (visits_[i].fresh && connection.taken < kQuantum) {
      MoveTo(connection, Place::kFresh, true);
    } else {
      MoveTo(connection, Place::kBacklog);
    }
  }
}

void Turn::MoveTo(Connection& connection, Place place, bool front) {
  if (connection.place != Place::kIdle) In(connection.place).Remove(connection);
  connection.place = place;
  if (place == Place::kIdle) return;
  if (front)
    In(place).PushFront(connection);
  else
    In(place).PushBack(connection);
}

void Turn::Readable(Connection& connection, size_t new_bytes) {
  ++counters_.reads;
  counters_.net_input_bytes += new_bytes;
  if (!connection.touched) {
    connection.touched = true;
    touched_.push_back(&connection);
  }
  const size_t held_bytes = connection.input().size() + connection.client.queued_bytes;
  if (held_bytes > settings_.query_buffer_bytes_max) [[unlikely]] {
    Log(LogLevel::kWarning, "Closing client {} that reached max query buffer length: {} bytes",
        connection.client.address, held_bytes);
    ++counters_.query_buffer_limit_disconnections;
    Doom(connection);
  } else if (connection.place == Place::kIdle) {
    connection.taken = 0;
    MoveTo(connection, new_bytes < kDeepBytes ? Place::kFresh : Place::kBacklog);
  }
}

void Turn::Drained(Connection& connection) {
  meter_.Wake();
  ++counters_.writes;  // of what the kernel had not taken at once
  NeedsFlush(connection);
  scheduler_.RequestTurn();
}

void Turn::Doom(Connection& connection) {
  if (connection.place == Place::kDoomed) return;
  connection.SetReading(false);
  MoveTo(connection, Place::kDoomed);
  scheduler_.RequestTurn();
}

void Turn::CloseAfterReply(Connection& connection) {
  if (connection.place == Place::kDoomed || connection.place == Place::kClosing) return;
  connection.SetReading(false);
  connection.closing_since_ms = dispatcher_.shard().now();
  MoveTo(connection, Place::kClosing);
  NeedsFlush(connection);
}

void Turn::ResumePaused() {
  while (Connection* const connection = In(Place::kPaused).first()) {
    connection->SetReading(true);
    connection->taken = 0;
    MoveTo(*connection, Place::kFresh);
  }
  scheduler_.RequestTurn();
}

void Turn::ResumeWaiting() {
  while (Connection* const connection = In(Place::kWaiting).first())
    MoveTo(*connection, Place::kBacklog);
}

/// Who waits for the log needs no turn before it asks for one.
bool Turn::AnyWaitsForMemory() {
  for (const Connection* at = In(Place::kWaiting).first(); at != nullptr; at = at->next_in_place)
    if (at->client.awaited_log_bytes == 0) return true;
  return false;
}

size_t Turn::PausedCount() const {
  size_t count = 0;
  const ConnectionList& paused = places_[static_cast<size_t>(Place::kPaused)];
  for (const Connection* at = paused.first(); at != nullptr; at = at->next_in_place) ++count;
  return count;
}

void Turn::SettleAll() {
  for (Connection* const connection : touched_) {
    connection->touched = false;
    connection->Settle();
    client_memory_.Count(*connection);
  }
  touched_.clear();
}

void Turn::EvictClients() {
  const size_t limit = ClientMemory::LimitOf(settings_);
  while (limit != 0 && client_memory_.bytes() >= limit) {
    Connection* const largest = client_memory_.Largest();
    if (largest == nullptr) return;
    Log(LogLevel::kNotice,
        "Evicting client id={} addr={} name={} cmd={} tot-mem={}: maxmemory-clients",
        largest->client.id, largest->client.address, largest->client.name,
        largest->client.last_command, largest->memory.bytes);
    ++counters_.evicted_clients;
    client_memory_.Forget(*largest);
    Doom(*largest);
  }
}

void Turn::TellMemory() {
  if (dispatcher_.shard().budget().limited())
    dispatcher_.shard().SetOutsideBytes(outside_bytes_ + client_memory_.bytes());
}

void Turn::SetOutsideBytes(size_t bytes) {
  outside_bytes_ = bytes - std::min(bytes, client_memory_.bytes());
  dispatcher_.shard().SetOutsideBytes(outside_bytes_ + client_memory_.bytes());
}

void Turn::BuryDoomed() {
  while (Connection* const connection = In(Place::kDoomed).first()) {
    if (connection->flushing) std::erase(flushing_, connection);
    if (connection->touched) std::erase(touched_, connection);
    In(Place::kDoomed).Remove(*connection);
    unsent_bytes_ -= connection->counted_output;
    client_memory_.Forget(*connection);
    dispatcher_.Leave(connection->client);
    bury_(*connection);
  }
}

}  // namespace cloakroom
