#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redis_compat/migrate/migration_target.h"
#include "redis_compat/resp/request_parser.h"
#include "store/base/result.h"

namespace cloakroom {

/// Commands that must be kept until all of a transaction is there: their words, copied one behind
/// the other.
class CommandQueue {
 public:
  void Add(const StreamCommand& command);
  void Clear();
  [[nodiscard]] bool empty() const { return kept_.empty(); }
  /// Those that were added, in order. Good until the next call of the others.
  [[nodiscard]] std::span<const StreamCommand> Commands();

 private:
  struct Kept {
    uint32_t db;
    size_t words;
  };
  std::string bytes_;
  std::vector<size_t> sizes_;  // of all words
  std::vector<Kept> kept_;
  std::vector<std::string_view> views_;
  std::vector<StreamCommand> commands_;
};

/// The commands that a primary sends behind a dump, for ever: executes them in their databases,
/// and knows to the byte how far it has come.
class CommandStream {
 public:
  /// `acknowledge` is called when the primary asks how far we are; it looks at applied().
  CommandStream(MigrationTarget& target, std::function<void()> acknowledge)
      : target_(target), acknowledge_(std::move(acknowledge)) {}
  CommandStream(const CommandStream&) = delete;
  CommandStream& operator=(const CommandStream&) = delete;

  static constexpr size_t kGroup = 32;

  /// The stream goes on behind byte `offset`, in database `db`: a full sync has ended.
  void Begin(uint64_t offset, uint32_t db);
  /// It goes on behind applied(), on another connection: what was begun is sent again.
  void Resume();

  /// Executes up to kGroup commands from the front of `input`. Returns how many bytes to
  /// drop from there; what is left must be given again, with more behind it. `starved` says whether
  /// more is needed to go on.
  ///   errors  kInvalid      what came is no stream of commands: a full sync is due
  ///           kUnavailable  a command cannot be executed here
  [[nodiscard]] Result<size_t> Feed(std::string_view input, bool& starved);

  /// All bytes of the stream up to here are executed. Within a transaction: those before it.
  [[nodiscard]] uint64_t applied() const { return applied_; }
  /// How many bytes of input the command at hand needs at least; 0: unknown.
  [[nodiscard]] size_t BytesNeeded() const { return parser_.BytesNeeded(); }
  [[nodiscard]] uint64_t commands() const { return commands_; }

 private:
  /// A command that was parsed ahead.
  struct Parsed {
    size_t first_word;
    size_t words;
    size_t bytes;  // of input, up to its end
    StreamCommand command;
  };

  [[nodiscard]] Result<size_t> ParseAhead(std::string_view input, bool& starved);
  [[nodiscard]] Result<void> Take(const StreamCommand& command);
  void Advance(size_t bytes);
  [[nodiscard]] Result<void> Select(Args args);
  [[nodiscard]] Result<void> BeginTransaction();
  [[nodiscard]] Result<void> EndTransaction();

  MigrationTarget& target_;
  const std::function<void()> acknowledge_;
  RequestParser parser_;
  RequestWords words_;
  std::vector<Parsed> parsed_;
  uint64_t taken_ = 0;    // bytes of the stream that were dropped from the input
  uint64_t applied_ = 0;  // see applied()
  uint64_t end_ = 0;      // of the command at hand
  uint32_t db_ = 0;
  bool in_transaction_ = false;
  uint32_t db_before_ = 0;  // the transaction
  CommandQueue queue_;
  std::vector<StreamCommand> changes_;  // of the transaction at hand
  uint64_t commands_ = 0;
};

}  // namespace cloakroom
