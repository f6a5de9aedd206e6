#include "store/replication/lineage.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "store/base/check.h"
#include "store/base/coding.h"

namespace cloakroom {

void Lineage::Add(const Step& step) {
  CHECK(steps_.empty() || (step.epoch >= newest().epoch && step.first >= newest().first));
  steps_.push_back(step);
  if (steps_.size() > kStepsMax) steps_.erase(steps_.begin());
}

void Lineage::CutAfter(uint64_t last) {
  while (steps_.size() > 1 && steps_.back().first > last + 1) steps_.pop_back();
}

uint64_t Lineage::LastOf(size_t step, uint64_t last) const {
  return step + 1 < steps_.size() ? std::min(steps_[step + 1].first - 1, last) : last;
}

std::optional<uint64_t> Lineage::CommonWith(const Lineage& other, uint64_t last,
                                            uint64_t other_last) const {
  for (size_t ours = steps_.size(); ours-- > 0;)
    for (size_t theirs = other.steps_.size(); theirs-- > 0;)
      if (steps_[ours] == other.steps_[theirs])
        return std::min(LastOf(ours, last), other.LastOf(theirs, other_last));
  return std::nullopt;
}

void Lineage::AppendTo(std::string& out) const {
  AppendVarint(out, steps_.size());
  for (const Step& step : steps_) {
    out.append(step.history.data(), step.history.size());
    AppendVarint(out, step.epoch);
    AppendVarint(out, step.first);
  }
}

Result<Lineage> Lineage::Decode(std::string_view& in) {
  ByteReader reader(in);
  Lineage lineage;
  const uint64_t count = reader.Varint();
  if (count == 0 || count > kStepsMax) return Fail(Code::kDamaged, "a lineage of {} steps", count);
  for (uint64_t i = 0; i < count; ++i) {
    Step step;
    const std::string_view history = reader.Bytes(step.history.size());
    step.epoch = reader.Varint();
    step.first = reader.Varint();
    if (!reader.ok()) return Fail(Code::kDamaged, "a lineage that is cut off");
    std::copy(history.begin(), history.end(), step.history.begin());
    if (!lineage.steps_.empty() &&
        (step.epoch < lineage.newest().epoch || step.first < lineage.newest().first))
      return Fail(Code::kDamaged, "a lineage that goes back");
    lineage.steps_.push_back(step);
  }
  in.remove_prefix(in.size() - reader.left());
  return lineage;
}

std::string HistoryText(const HistoryId& history) {
  std::string text;
  for (const char byte : history)
    fmt::format_to(std::back_inserter(text), "{:02x}", static_cast<unsigned char>(byte));
  return text;
}

}  // namespace cloakroom
