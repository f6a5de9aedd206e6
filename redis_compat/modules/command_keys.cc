// COMMAND GETKEYS and GETKEYSANDFLAGS: where the keys of a command stand.

#include <algorithm>
#include <vector>

#include "redis_compat/command/context.h"
#include "redis_compat/command/dispatcher.h"
#include "redis_compat/modules/command.h"
#include "redis_compat/modules/command_facts.h"

namespace cloakroom {
namespace {

struct Target {
  const Command* command;
  Args words;
  std::vector<size_t> keys;
};

bool ArityFits(int arity, size_t words) {
  return arity >= 0 ? words == static_cast<size_t>(arity) : words >= static_cast<size_t>(-arity);
}

/// Whether any of its words are keys: a shard channel has a slot too, but is none.
bool HasKeys(const Command& command) {
  const std::vector<KeySpec> specs = KeySpecsOf(command);
  return command.spec->find_keys != nullptr ||
         std::any_of(specs.begin(), specs.end(),
                     [](const KeySpec& spec) { return spec.flags != "not_key"; });
}

/// The command that stands from word 2 on, with the places of its keys.
Result<Target> ReadTarget(const CommandContext& ctx, Args args) {
  Target target{nullptr, Args(args.From(2)), {}};
  target.command = ctx.dispatcher.registry().Resolve(target.words);
  if (target.command == nullptr) return Fail(Code::kInvalid, "Invalid command specified");
  const CommandSpec& spec = *target.command->spec;
  if (!HasKeys(*target.command)) return Fail(Code::kInvalid, "The command has no key arguments");
  if (!ArityFits(spec.arity, target.words.size()))
    return Fail(Code::kInvalid, "Invalid number of arguments specified for command");
  const bool valid = FindKeys(spec, target.words, target.keys);
  // A range with a step may end in the middle of a group: its keys count all the same.
  if (!valid && (spec.find_keys != nullptr || target.keys.empty()))
    return Fail(Code::kInvalid, "Invalid arguments specified for command");
  return target;
}

/// What the command does with the key at word `i`.
std::string_view UseOf(const Target& target, size_t i) {
  if (target.command->full_name == "set") {
    const auto words = target.words.From(std::min<size_t>(3, target.words.size()));
    const bool get = std::any_of(words.begin(), words.end(), [](std::string_view word) {
      return EqualsIgnoreCase(word, "GET");
    });
    return get ? "RW access update" : "OW update";
  }
  std::string_view use;
  for (const KeySpec& spec : KeySpecsOf(*target.command))
    if (i >= static_cast<size_t>(spec.begin)) use = spec.flags;
  return use;
}

}  // namespace

/// COMMAND GETKEYS command [arg ...] -> its keys.
Result<void> CommandGetKeys(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const Target target, ReadTarget(ctx, args));
  static_cast<void>(reply.Array(target.keys.size()));
  for (const size_t i : target.keys) static_cast<void>(reply.Bulk(target.words[i]));
  return {};
}

/// COMMAND GETKEYSANDFLAGS command [arg ...] -> pairs of a key and how it is used.
Result<void> CommandGetKeysAndFlags(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const Target target, ReadTarget(ctx, args));
  static_cast<void>(reply.Array(target.keys.size()));
  for (const size_t i : target.keys) {
    static_cast<void>(reply.Array(2));
    static_cast<void>(reply.Bulk(target.words[i]));
    std::vector<std::string_view> flags;
    ForEachWord(UseOf(target, i), [&](std::string_view flag) { flags.push_back(flag); });
    static_cast<void>(reply.Set(flags.size()));
    for (const std::string_view flag : flags) static_cast<void>(reply.Simple(flag));
  }
  return {};
}

}  // namespace cloakroom
