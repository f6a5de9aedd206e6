#include "bench/load/workload.h"

#include <fstream>

#include "bench/load/plain_workloads.h"
#include "bench/load/session_workloads.h"
#include "bench/load/string_workloads.h"

namespace cloakroom::bench {
namespace {

using Maker = WorkloadPair (*)(WorkloadContext& context);

struct Row {
  std::string_view name;
  Maker make;
};

constexpr Row kRows[] = {
    {"ping", MakePing},
    {"get", MakeGet},
    {"set", MakeSet},
    {"session-create", MakeSessionCreate},
    {"session-get", MakeSessionGet},
    {"session-mix", MakeSessionMix},
    {"login-flow", MakeLoginFlow},
    {"plain-create", MakePlainCreate},
    {"plain-get", MakePlainGet},
    {"plain-mix", MakePlainMix},
    {"plain-login-flow", MakePlainLoginFlow},
};

}  // namespace

Verdict Workload::Judge(Lane&, uint32_t, std::string_view reply) {
  return reply.starts_with("$-1") || reply.starts_with("*-1") || reply.starts_with('_')
             ? Verdict::kMiss
             : Verdict::kFine;
}

TextPool::TextPool() {
  static constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  Random random(0x7e87);
  text_.resize(2 * kBytesMax);
  for (char& c : text_) c = kLetters[random.Below(kLetters.size())];
}

std::string_view TextPool::Cut(Random& random, size_t size) const {
  return std::string_view(text_).substr(random.Below(text_.size() - size), size);
}

Result<void> TokenTable::Save(const std::string& path) const {
  std::ofstream file(path, std::ios::trunc);
  for (const std::string& token : tokens_) file << token << '\n';
  file.flush();
  if (!file) return Fail(Code::kUnavailable, "cannot write the tokens to '{}'", path);
  return {};
}

Result<void> TokenTable::Load(const std::string& path) {
  std::ifstream file(path);
  if (!file) return Fail(Code::kUnavailable, "cannot read the tokens from '{}'", path);
  size_t count = 0;
  for (std::string line; std::getline(file, line); ++count) {
    if (count < tokens_.size()) tokens_[count] = std::move(line);
  }
  if (count != tokens_.size())
    return Fail(Code::kInvalid, "'{}' holds {} tokens, --keys asks for {}", path, count,
                tokens_.size());
  return {};
}

const std::vector<std::string>& WorkloadNames() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Row& row : kRows) all.emplace_back(row.name);
    return all;
  }();
  return names;
}

Result<WorkloadPair> MakeWorkload(std::string_view name, WorkloadContext& context) {
  for (const Row& row : kRows) {
    if (row.name == name) return row.make(context);
  }
  return Fail(Code::kInvalid, "no workload is called '{}'", name);
}

}  // namespace cloakroom::bench
