#include "redis_compat/command/registry.h"

#include <cstring>
#include <utility>

#include "store/base/check.h"

namespace cloakroom {
namespace {

/// A hash that is blind to the case of letters: every byte gets bit 5 set, which also merges a few
/// other characters; the comparison tells those apart.
uint64_t FoldedHash(std::string_view name) {
  constexpr uint64_t kFold = 0x2020202020202020ULL;
  constexpr uint64_t kMultiplier = 0x9E3779B97F4A7C15ULL;
  uint64_t hash = name.size();
  const char* bytes = name.data();
  size_t left = name.size();
  for (; left >= 8; left -= 8, bytes += 8) {
    uint64_t chunk = 0;
    std::memcpy(&chunk, bytes, 8);
    hash = (hash ^ (chunk | kFold)) * kMultiplier;
    hash ^= hash >> 32;
  }
  uint64_t rest = 0;
  for (size_t i = 0; i < left; ++i)
    rest |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  hash = (hash ^ (rest | kFold)) * kMultiplier;
  return hash ^ hash >> 32;
}

std::unique_ptr<Command> MakeCommand(const CommandSpec& spec, const Command* parent) {
  auto command = std::make_unique<Command>();
  command->spec = &spec;
  command->parent = parent;
  if (parent != nullptr) command->full_name = parent->full_name + "|";
  command->full_name += spec.name;
  for (const CommandSpec& sub : spec.subcommands)
    command->subcommands.push_back(MakeCommand(sub, command.get()));
  return command;
}

}  // namespace

/// Open addressing with a load of at most one half, so that a miss ends after a probe or two.
struct Registry::Impl {
  std::vector<std::unique_ptr<Command>> commands;
  std::vector<const Command*> buckets = std::vector<const Command*>(64);
  size_t names_bytes_max = 0;

  void Insert(const Command* command) {
    const size_t mask = buckets.size() - 1;
    size_t at = FoldedHash(command->spec->name) & mask;
    while (buckets[at] != nullptr) at = (at + 1) & mask;
    buckets[at] = command;
  }
  void Grow() {
    buckets.assign(buckets.size() * 2, nullptr);
    for (const auto& command : commands) Insert(command.get());
  }
};

Registry::Registry() : impl_(std::make_unique<Impl>()) {}
Registry::~Registry() = default;

void Registry::Add(std::span<const CommandSpec> family) {
  for (const CommandSpec& spec : family) {
    CHECK(Find(spec.name) == nullptr);
    CHECK(spec.handler != nullptr || !spec.subcommands.empty());
    impl_->names_bytes_max = std::max(impl_->names_bytes_max, spec.name.size());
    impl_->commands.push_back(MakeCommand(spec, nullptr));
    if (impl_->commands.size() * 2 > impl_->buckets.size())
      impl_->Grow();
    else
      impl_->Insert(impl_->commands.back().get());
  }
}

const Command* Registry::Find(std::string_view name) const {
  if (name.size() > impl_->names_bytes_max) return nullptr;
  const size_t mask = impl_->buckets.size() - 1;
  for (size_t at = FoldedHash(name) & mask;; at = (at + 1) & mask) {
    const Command* command = impl_->buckets[at];
    if (command == nullptr || EqualsIgnoreCase(command->spec->name, name)) return command;
  }
}

const Command* Registry::Resolve(Args args) const {
  if (args.size() == 0) return nullptr;
  const Command* command = Find(args[0]);
  if (command == nullptr || command->subcommands.empty() || args.size() == 1) return command;
  for (const auto& sub : command->subcommands)
    if (EqualsIgnoreCase(sub->spec->name, args[1])) return sub.get();
  return nullptr;
}

const std::vector<std::unique_ptr<Command>>& Registry::commands() const { return impl_->commands; }

bool FindKeys(const CommandSpec& spec, Args args, std::vector<size_t>& keys) {
  if (spec.find_keys != nullptr) return spec.find_keys(args, keys);
  const KeyRange& range = spec.keys;
  if (range.first <= 0) return true;
  const auto count = static_cast<int64_t>(args.size());
  const int64_t last = range.last < 0 ? count + range.last : range.last;
  for (int64_t i = range.first; i <= last; i += range.step) {
    if (i >= count) return false;
    keys.push_back(static_cast<size_t>(i));
  }
  return true;
}

}  // namespace cloakroom
