#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load/key_chooser.h"
#include "bench/load/random.h"
#include "bench/load/session_mix.h"
#include "store/base/result.h"

namespace cloakroom::bench {

/// What a workload may be told; which of it matters, the workload says.
struct WorkloadOptions {
  uint64_t keys = 100000;
  uint64_t first_key = 0;  // the number of the first: others than an earlier run had
  Distribution distribution = Distribution::kUniform;
  double zipf_exponent = 0.99;
  size_t value_bytes = 150;
  size_t value_bytes_max = 0;  // sizes are drawn from value_bytes up to this; 0: all the same
  size_t field_count = 6;
  size_t field_bytes = 0;  // 0: the six fields of a small web session, 112 B with their names
  size_t user_agent_bytes = 0;
  uint64_t sessions_per_user = 2;
  uint64_t expire_seconds = 0;  // 0: none for strings, 1800 for sessions
  uint64_t expire_at_ms = 0;    // strings: one deadline for all, unix milliseconds; 0: none
  uint64_t seed = 1;
};

/// One of the places that a connection keeps for flows on their way; a pipeline of P has P.
struct Lane {
  uint32_t step = 0;  // how many steps of the flow were sent
  uint64_t key = 0;   // which of the keys, drawn when the flow began
  MixAction action = MixAction::kRead;
  std::string token;                 // the session at hand
  std::vector<std::string> members;  // the sessions of its user
};

/// What one step of a flow sent.
struct Step {
  uint32_t commands = 1;
  uint32_t replies = 1;
  bool last = true;  // the flow ends with it
};

/// What a reply said.
enum class Verdict : uint8_t {
  kFine,
  kMiss,     // not there: the key or session was not found
  kAbandon,  // the flow cannot go on
};

/// A kind of load: what clients send, step by step. A flow is one unit of work, of one step for
/// most; a step is what a client sends without waiting in between.
class Workload {
 public:
  virtual ~Workload() = default;

  /// Appends the next step of the flow in `lane` to `out`; lane.step is 0 at the beginning.
  virtual Step Append(Lane& lane, std::string& out) = 0;

  /// Judges reply number `index` of the step that was sent last. Errors are counted by the caller.
  virtual Verdict Judge(Lane& lane, uint32_t index, std::string_view reply);

  /// How many flows fill every key exactly once; 0: there is nothing to fill.
  [[nodiscard]] virtual uint64_t PreloadFlows() const { return 0; }
};

/// The random text that values are cut from: letters and digits, the same in every run.
class TextPool {
 public:
  TextPool();

  /// `size` characters from a random place. Valid as long as the pool is.
  /// Precondition: size <= kBytesMax.
  [[nodiscard]] std::string_view Cut(Random& random, size_t size) const;

  static constexpr size_t kBytesMax = size_t{1} << 20;

 private:
  std::string text_;
};

/// The tokens that a server minted, by the number of the session, so that a later run finds them.
class TokenTable {
 public:
  explicit TokenTable(uint64_t sessions) : tokens_(sessions) {}

  void Set(uint64_t session, std::string_view token) { tokens_[session].assign(token); }
  [[nodiscard]] std::string_view Get(uint64_t session) const { return tokens_[session]; }

  /// Writes all, a line each; reads them back.
  ///   errors  kUnavailable  the file cannot be opened, read or written
  ///           kInvalid      it holds another number of tokens than this table
  [[nodiscard]] Result<void> Save(const std::string& path) const;
  [[nodiscard]] Result<void> Load(const std::string& path);

 private:
  std::vector<std::string> tokens_;
};

/// What the workloads of one run share.
struct WorkloadContext {
  WorkloadOptions options;
  TextPool text;
  TokenTable tokens{0};
};

/// A workload and the one that fills its keys first.
struct WorkloadPair {
  std::unique_ptr<Workload> load;
  std::unique_ptr<Workload> preload;  // null: this workload needs no keys
  bool needs_tokens = false;          // it shows tokens that the preload obtained
};

/// The names that MakeWorkload knows.
[[nodiscard]] const std::vector<std::string>& WorkloadNames();

/// Makes a workload by its name; `context` must outlive it.
///   errors  kInvalid  no workload has this name
[[nodiscard]] Result<WorkloadPair> MakeWorkload(std::string_view name, WorkloadContext& context);

}  // namespace cloakroom::bench
