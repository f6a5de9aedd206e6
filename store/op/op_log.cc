#include "store/op/op_log.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <utility>

#include "store/base/check.h"
#include "store/base/coding.h"

namespace cloakroom {
namespace {

constexpr uint64_t kChunkBytesMax = 64 << 10;
constexpr uint64_t kChunksMin = 8;  // in a full backlog, so that dropping one drops little

/// Whole records, one after another.
struct Chunk {
  std::unique_ptr<char[]> bytes;
  size_t capacity = 0;
  size_t used = 0;
  uint64_t first = 0;  // sequence number of its first record

  [[nodiscard]] size_t room() const { return capacity - used; }
};

void WriteRecord(char* out, const RecordHeader& header, std::string_view ops) {
  StoreInt(out, static_cast<uint32_t>(ops.size()));
  StoreInt(out + 4, header.sequence);
  StoreInt(out + 12, header.epoch);
  StoreInt(out + 20, header.time_ms);
  if (!ops.empty()) std::memcpy(out + OpLog::kHeaderBytes, ops.data(), ops.size());
}

/// Visits the records of `chunk` from `sequence` on. False: `visit` wants no more.
bool ReadChunk(const Chunk& chunk, uint64_t sequence,
               FunctionRef<bool(const RecordHeader& header, std::string_view ops)> visit) {
  const char* at = chunk.bytes.get();
  const char* const end = at + chunk.used;
  while (at < end) {
    const std::string_view ops(at + OpLog::kHeaderBytes, LoadInt<uint32_t>(at));
    const RecordHeader header{.sequence = LoadInt<uint64_t>(at + 4),
                              .epoch = LoadInt<uint64_t>(at + 12),
                              .time_ms = LoadInt<TimeMs>(at + 20)};
    at = ops.data() + ops.size();
    if (header.sequence >= sequence && !visit(header, ops)) return false;
  }
  return true;
}

}  // namespace

struct OpLog::Impl {
  /// The chunk that has room for a record of `size`, or nullptr when none can have.
  Chunk* ChunkFor(size_t size, uint64_t sequence);
  void DropOldest();
  void Shrink(uint64_t capacity_max);

  uint64_t bytes_max = 0;
  std::deque<Chunk> chunks;
  Chunk spare;            // the memory of the chunk that went last
  uint64_t capacity = 0;  // of the chunks, without the spare
  uint64_t bytes = 0;     // of the records held
  uint64_t last = 0;
  TimeMs last_time = 0;
};

Chunk* OpLog::Impl::ChunkFor(size_t size, uint64_t sequence) {
  if (!chunks.empty() && chunks.back().room() >= size) [[likely]]
    return &chunks.back();
  if (size > bytes_max || size - kHeaderBytes > UINT32_MAX) {
    Shrink(0);
    return nullptr;
  }
  const uint64_t usual = std::min(kChunkBytesMax, std::max(bytes_max / kChunksMin, uint64_t{1}));
  const uint64_t wanted = std::max<uint64_t>(usual, size);
  Shrink(bytes_max - wanted);
  Chunk chunk;
  if (spare.capacity == wanted)
    chunk = std::exchange(spare, Chunk{});
  else
    chunk = Chunk{.bytes = std::make_unique_for_overwrite<char[]>(wanted), .capacity = wanted};
  chunk.used = 0;
  chunk.first = sequence;
  capacity += chunk.capacity;
  chunks.push_back(std::move(chunk));
  return &chunks.back();
}

void OpLog::Impl::DropOldest() {
  Chunk& oldest = chunks.front();
  capacity -= oldest.capacity;
  bytes -= oldest.used;
  if (oldest.capacity <= kChunkBytesMax) spare = std::move(oldest);
  chunks.pop_front();
}

void OpLog::Impl::Shrink(uint64_t capacity_max) {
  while (capacity > capacity_max) DropOldest();
}

OpLog::OpLog(uint64_t backlog_bytes_max) : impl_(std::make_unique<Impl>()) {
  impl_->bytes_max = backlog_bytes_max;
}
OpLog::~OpLog() = default;

void OpLog::Append(const RecordHeader& header, std::string_view ops) {
  Impl& impl = *impl_;
  // Invariant: records follow each other with no gap and no repeat, and their time never goes back.
  // Why: whoever reads on from a number takes what comes for all that happened.
  CHECK(header.sequence == impl.last + 1 && header.time_ms >= impl.last_time);
  impl.last = header.sequence;
  impl.last_time = header.time_ms;
  const size_t size = kHeaderBytes + ops.size();
  Chunk* const chunk = impl.ChunkFor(size, header.sequence);
  if (chunk == nullptr) return;
  WriteRecord(chunk->bytes.get() + chunk->used, header, ops);
  chunk->used += size;
  impl.bytes += size;
}

void OpLog::Continue(const RecordHeader& newest) {
  CHECK(newest.sequence >= impl_->last && newest.time_ms >= impl_->last_time);
  Restart(newest);
}

void OpLog::Restart(const RecordHeader& newest) {
  impl_->Shrink(0);
  impl_->last = newest.sequence;
  impl_->last_time = newest.time_ms;
}

uint64_t OpLog::first() const {
  return impl_->chunks.empty() ? impl_->last + 1 : impl_->chunks.front().first;
}
uint64_t OpLog::last() const { return impl_->last; }
TimeMs OpLog::last_time() const { return impl_->last_time; }
uint64_t OpLog::capacity_bytes() const { return impl_->capacity + impl_->spare.capacity; }
uint64_t OpLog::bytes() const { return impl_->bytes; }

void OpLog::set_backlog_bytes_max(uint64_t bytes_max) {
  impl_->bytes_max = bytes_max;
  impl_->Shrink(bytes_max);
  impl_->spare = Chunk{};
}

bool OpLog::Read(uint64_t sequence,
                 FunctionRef<void(const RecordHeader& header, std::string_view ops)> visit) const {
  const auto visit_all = [&visit](const RecordHeader& header, std::string_view ops) {
    visit(header, ops);
    return true;
  };
  return ReadSome(sequence, visit_all);
}

bool OpLog::ReadSome(
    uint64_t sequence,
    FunctionRef<bool(const RecordHeader& header, std::string_view ops)> visit) const {
  if (sequence < first()) return false;
  const auto& chunks = impl_->chunks;
  auto chunk = std::upper_bound(chunks.begin(), chunks.end(), sequence,
                                [](uint64_t wanted, const Chunk& c) { return wanted < c.first; });
  if (chunk != chunks.begin()) --chunk;
  while (chunk != chunks.end() && ReadChunk(*chunk, sequence, visit)) ++chunk;
  return true;
}

}  // namespace cloakroom
