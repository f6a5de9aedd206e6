#include <string>
#include <vector>

#include "redis_compat/modules/command.h"
#include "redis_compat/modules/docs_syntax.h"

namespace cloakroom {
namespace {

void WritePair(std::string_view name, std::string_view value, Reply& reply) {
  static_cast<void>(reply.Bulk(name));
  static_cast<void>(reply.Bulk(value));
}

void WriteArguments(const std::vector<DocArgument>& arguments, Reply& reply);

void WriteArgument(const DocArgument& argument, Reply& reply) {
  const size_t flags =
      (argument.optional ? 1 : 0) + (argument.multiple ? 1 : 0) + (argument.multiple_token ? 1 : 0);
  static_cast<void>(reply.Map(2 + (argument.key_spec >= 0 ? 1 : 0) +
                              (argument.token.empty() ? 0 : 1) + (flags > 0 ? 1 : 0) +
                              (argument.arguments.empty() ? 0 : 1)));
  WritePair("name", argument.name, reply);
  WritePair("type", argument.type, reply);
  if (argument.key_spec >= 0) {
    static_cast<void>(reply.Bulk("key_spec_index"));
    static_cast<void>(reply.Integer(argument.key_spec));
  }
  if (!argument.token.empty()) WritePair("token", argument.token, reply);
  if (flags > 0) {
    static_cast<void>(reply.Bulk("flags"));
    static_cast<void>(reply.Set(flags));
    if (argument.optional) static_cast<void>(reply.Simple("optional"));
    if (argument.multiple) static_cast<void>(reply.Simple("multiple"));
    if (argument.multiple_token) static_cast<void>(reply.Simple("multiple_token"));
  }
  if (!argument.arguments.empty()) {
    static_cast<void>(reply.Bulk("arguments"));
    WriteArguments(argument.arguments, reply);
  }
}

void WriteArguments(const std::vector<DocArgument>& arguments, Reply& reply) {
  static_cast<void>(reply.Array(arguments.size()));
  for (const DocArgument& argument : arguments) WriteArgument(argument, reply);
}

}  // namespace

void WriteCommandDocs(const Command& command, Reply& reply) {
  const CommandSpec& spec = *command.spec;
  std::vector<DocArgument> arguments = ParseDocSyntax(spec.syntax);
  if (spec.name.ends_with("float"))
    for (DocArgument& argument : arguments)
      if (argument.name == "increment") argument.type = "double";
  static_cast<void>(
      reply.Map(3 + (arguments.empty() ? 0 : 1) + (command.subcommands.empty() ? 0 : 1)));
  WritePair("summary", spec.summary, reply);
  WritePair("since", spec.since, reply);
  WritePair("group", spec.group, reply);
  if (!arguments.empty()) {
    static_cast<void>(reply.Bulk("arguments"));
    WriteArguments(arguments, reply);
  }
  if (!command.subcommands.empty()) {
    static_cast<void>(reply.Bulk("subcommands"));
    static_cast<void>(reply.Map(command.subcommands.size()));
    for (const auto& sub : command.subcommands) {
      static_cast<void>(reply.Bulk(sub->full_name));
      WriteCommandDocs(*sub, reply);
    }
  }
}

}  // namespace cloakroom
