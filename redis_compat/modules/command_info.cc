#include <string>

#include "redis_compat/modules/command.h"
#include "redis_compat/modules/command_facts.h"

namespace cloakroom {
namespace {

size_t CountWords(std::string_view list) {
  size_t count = 0;
  ForEachWord(list, [&count](std::string_view) { ++count; });
  return count;
}

void WriteKeySpec(const KeySpec& spec, Reply& reply) {
  static_cast<void>(reply.Map(3));
  static_cast<void>(reply.Bulk("flags"));
  static_cast<void>(reply.Set(CountWords(spec.flags)));
  ForEachWord(spec.flags, [&](std::string_view flag) { static_cast<void>(reply.Simple(flag)); });

  static_cast<void>(reply.Bulk("begin_search"));
  static_cast<void>(reply.Map(2));
  static_cast<void>(reply.Bulk("type"));
  static_cast<void>(reply.Bulk("index"));
  static_cast<void>(reply.Bulk("spec"));
  static_cast<void>(reply.Map(1));
  static_cast<void>(reply.Bulk("index"));
  static_cast<void>(reply.Integer(spec.begin));

  static_cast<void>(reply.Bulk("find_keys"));
  static_cast<void>(reply.Map(2));
  static_cast<void>(reply.Bulk("type"));
  static_cast<void>(reply.Bulk(spec.counted ? "keynum" : "range"));
  static_cast<void>(reply.Bulk("spec"));
  static_cast<void>(reply.Map(3));
  static_cast<void>(reply.Bulk(spec.counted ? "keynumidx" : "lastkey"));
  static_cast<void>(reply.Integer(spec.counted ? 0 : spec.last));
  static_cast<void>(reply.Bulk(spec.counted ? "firstkey" : "keystep"));
  static_cast<void>(reply.Integer(spec.counted ? 1 : spec.step));
  static_cast<void>(reply.Bulk(spec.counted ? "keystep" : "limit"));
  static_cast<void>(reply.Integer(spec.counted ? spec.step : 0));
}

}  // namespace

void WriteCommandInfo(const Command& command, Reply& reply) {
  const CommandSpec& spec = *command.spec;
  static_cast<void>(reply.Array(10));
  static_cast<void>(reply.Bulk(command.full_name));
  static_cast<void>(reply.Integer(spec.arity));
  const std::vector<std::string_view> flags = FlagNames(command);
  static_cast<void>(reply.Set(flags.size()));
  for (const std::string_view flag : flags) static_cast<void>(reply.Simple(flag));
  static_cast<void>(reply.Integer(spec.keys.first));
  static_cast<void>(reply.Integer(spec.keys.last));
  static_cast<void>(reply.Integer(spec.keys.step));
  const std::vector<std::string_view> categories = CategoriesOf(command);
  static_cast<void>(reply.Set(categories.size()));
  for (const std::string_view category : categories)
    static_cast<void>(reply.Simple("@" + std::string(category)));
  const std::string_view tips = TipsOf(command);
  static_cast<void>(reply.Set(CountWords(tips)));
  ForEachWord(tips, [&](std::string_view tip) { static_cast<void>(reply.Bulk(tip)); });
  const std::vector<KeySpec> keys = KeySpecsOf(command);
  static_cast<void>(reply.Set(keys.size()));
  for (const KeySpec& key : keys) WriteKeySpec(key, reply);
  static_cast<void>(reply.Set(command.subcommands.size()));
  for (const auto& sub : command.subcommands) WriteCommandInfo(*sub, reply);
}

}  // namespace cloakroom
