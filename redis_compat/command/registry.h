#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "redis_compat/command/args.h"
#include "redis_compat/command/reply.h"
#include "store/base/result.h"
#include "store/op/session_key.h"

namespace cloakroom {

struct CommandContext;

/// Does one command: reads, fills ctx.batch, writes the reply. On failure nothing is committed.
using Handler = Result<void> (*)(CommandContext& ctx, Args args, Reply& reply);

/// Flags, with Redis's names in COMMAND's replies.
enum CommandFlag : uint32_t {
  kWrite = 1 << 0,
  kReadonly = 1 << 1,
  kDenyOom = 1 << 2,
  kAdmin = 1 << 3,
  kPubsub = 1 << 4,
  kNoScript = 1 << 5,
  kBlocking = 1 << 6,
  kLoading = 1 << 7,
  kStale = 1 << 8,
  kSkipMonitor = 1 << 9,
  kSkipSlowlog = 1 << 10,
  kFast = 1 << 11,
  kNoAuthNeeded = 1 << 12,  // no_auth
  kNoMulti = 1 << 13,
  kMovableKeys = 1 << 14,
  kAllowBusy = 1 << 15,
  kNoAsyncLoading = 1 << 16,
  // Not Redis's: the keys are tokens or users. They route by slot, but stand in no database.
  kSessionKeys = 1 << 17,
  kMayReplicate = 1 << 18,    // writes nothing, but is told to replicas: a pause of writes holds it
  kForSubscribers = 1 << 19,  // a subscriber may send it, even in RESP2
};

/// Where the keys stand, as COMMAND's first, last (negative: from the end) and step. 0: none.
struct KeyRange {
  int first = 0;
  int last = 0;
  int step = 0;
};

/// One row of a family's table: all there is to know of a command. COMMAND, COMMAND DOCS, ACL
/// categories, slot routing and help derive from it.
struct CommandSpec {
  std::string_view name;  // lower case; a subcommand's own word only ("id" of "client|id")
  int arity;              // Redis's: name included, negative = at least
  uint32_t flags;         // CommandFlag
  KeyRange keys;
  std::string_view categories;  // ACL categories beyond those flags imply: "string", "hash", ...
  std::string_view group;       // COMMAND DOCS group: "string", "hash", "connection", "session"
  std::string_view since;       // "1.0.0"
  std::string_view summary;
  /// The arguments in the notation of Redis's docs, from which COMMAND DOCS builds `arguments` and
  /// redis-cli its hints: "key value [NX | XX] [EX seconds | PX milliseconds] [field value ...]"
  std::string_view syntax;
  Handler handler;
  std::span<const CommandSpec> subcommands = {};
  /// For kMovableKeys: appends the indexes of the key words; returns false when args are wrong.
  bool (*find_keys)(Args args, std::vector<size_t>& keys) = nullptr;
  /// Takes passwords and session tokens out of a copy of the words before SLOWLOG or MONITOR may
  /// see it. nullptr: nothing in it is secret.
  void (*redact)(std::span<std::string> words) = nullptr;
  /// For kSessionKeys, when the first key is a token: what it is kept as. The turn works it out
  /// once, and prefetches there.
  SessionKey (*token_key)(std::string_view token) = nullptr;
};

/// Counters of one command or subcommand (INFO commandstats).
struct CommandStats {
  uint64_t calls = 0;
  uint64_t usec = 0;
  uint64_t rejected = 0;
  uint64_t failed = 0;
};

/// A registered command with what the process counts of it.
struct Command {
  const CommandSpec* spec = nullptr;
  const Command* parent = nullptr;
  std::string full_name;  // "get", "client|id"
  mutable CommandStats stats;
  std::vector<std::unique_ptr<Command>> subcommands;
};

/// All commands by name.
class Registry {
 public:
  Registry();
  ~Registry();
  /// Adds a family's table, which must outlive the registry (it is static).
  void Add(std::span<const CommandSpec> family);
  /// By name, in either case; nullptr when unknown. O(1), no allocation.
  [[nodiscard]] const Command* Find(std::string_view name) const;
  /// The command that `args` name, down to the subcommand; nullptr when unknown.
  [[nodiscard]] const Command* Resolve(Args args) const;
  /// In the order of registration.
  [[nodiscard]] const std::vector<std::unique_ptr<Command>>& commands() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Appends the indexes of the key words of `args`. Returns false when the arguments are invalid.
bool FindKeys(const CommandSpec& spec, Args args, std::vector<size_t>& keys);

}  // namespace cloakroom
