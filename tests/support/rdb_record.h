#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "store/image/rdb_reader.h"

namespace cloakroom {

/// Writes down what a reader tells: "db key kind words... @deadline" a key, in the file's order.
class RdbRecord final : public RdbSink {
 public:
  std::vector<std::string> lines;
  std::map<std::string, std::string> aux;

  Result<void> Aux(std::string_view name, std::string_view value) override {
    aux.emplace(name, value);
    return {};
  }
  Result<void> Begin(const RdbKey& key) override {
    constexpr std::string_view kKinds[] = {"string", "hash", "set", "other"};
    line_ = Head(key) + " " + std::string(kKinds[static_cast<int>(key.kind)]);
    tail_.clear();
    if (key.deadline != kNoDeadline) tail_ += " @" + std::to_string(key.deadline);
    if (key.idle_s >= 0) tail_ += " idle=" + std::to_string(key.idle_s);
    if (key.frequency >= 0) tail_ += " frequency=" + std::to_string(key.frequency);
    return {};
  }
  Result<void> Part(std::span<const std::string_view> words) override {
    for (const std::string_view word : words) line_.append(" ").append(word);
    return {};
  }
  Result<void> FieldWithDeadline(std::string_view field, std::string_view value,
                                 TimeMs deadline) override {
    line_.append(" ").append(field).append(" ").append(value);
    line_ += "(@" + std::to_string(deadline) + ")";
    return {};
  }
  Result<void> End() override {
    lines.push_back(line_ + tail_);
    return {};
  }
  Result<void> Other(const RdbKey& key, std::string_view type) override {
    lines.push_back(Head(key) + " passed over: " + std::string(type));
    return {};
  }

 private:
  static std::string Head(const RdbKey& key) {
    return std::to_string(key.db) + " " + std::string(key.key);
  }

  std::string line_;
  std::string tail_;
};

/// What comes of a whole file, fed in pieces of `piece_bytes`.
struct RdbReading {
  RdbRecord record;
  RdbReader::Counters counters;
  std::string error;  // empty: none
  size_t taken = 0;
};

inline RdbReading ReadRdb(std::string_view file, size_t piece_bytes = SIZE_MAX) {
  RdbReading reading;
  RdbReader reader(reading.record);
  Result<void> done;
  for (size_t at = 0; at < file.size() && done && !reader.done();) {
    const std::string_view piece = file.substr(at, piece_bytes);
    const auto taken = reader.Feed(piece);
    if (taken)
      reading.taken += *taken;
    else
      done = tl::unexpected(taken.error());
    at += piece.size();
  }
  if (done) done = reader.Finish();
  if (!done) reading.error = done.error().message;
  reading.counters = reader.counters();
  return reading;
}

}  // namespace cloakroom
