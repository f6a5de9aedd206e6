#include <fmt/format.h>

#include <algorithm>

#include "redis_compat/command/args.h"
#include "redis_compat/modules/client.h"

namespace cloakroom {
namespace {

std::string Flags(const ClientState& client) {
  std::string flags;
  if (client.monitor) flags += 'O';
  if (client.subscribed()) flags += 'P';
  if (client.in_multi) flags += 'x';
  if (client.watch_dirty) flags += 'd';
  if (client.close_after_reply) flags += 'c';
  if (client.unix_socket) flags += 'U';
  if (client.no_evict) flags += 'e';
  if (client.no_touch) flags += 'T';
  return flags.empty() ? "N" : flags;
}

}  // namespace

std::string ClientLine(const ClientState& client, TimeMs now) {
  return fmt::format(
      "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub={} psub={} ssub={} "
      "multi={} qbuf={} qbuf-free={} argv-mem=0 multi-mem={} rbs=0 rbp=0 obl=0 oll={} omem={} "
      "tot-mem={} events={} cmd={} user=default redir=-1 resp={} lib-name={} lib-ver={}\n",
      client.id, client.address, client.local_address, client.fd, client.name,
      std::max<TimeMs>(0, now - client.created_ms) / 1000,
      std::max<TimeMs>(0, now - client.last_active_ms) / 1000, Flags(client), client.db,
      client.subscriptions_of(Topic::kChannel), client.subscriptions_of(Topic::kPattern),
      client.subscriptions_of(Topic::kShard),
      client.in_multi ? static_cast<int64_t>(client.queued.size()) : -1, client.query_buffer_bytes,
      client.query_buffer_free_bytes, client.in_multi ? client.queued_memory_bytes : 0,
      client.output_buffer_bytes > 0 ? 1 : 0, client.output_buffer_bytes, client.memory_bytes,
      client.output_buffer_bytes > 0 ? "rw" : "r", client.last_command, client.protocol,
      client.lib_name, client.lib_version);
}

Result<void> SetClientName(ClientState& client, std::string_view name) {
  for (const char c : name)
    if (c < '!' || c > '~')
      return Fail(Code::kInvalid,
                  "Client names cannot contain spaces, newlines or special characters.");
  client.name = name;
  return {};
}

std::optional<std::string_view> ClientType(std::string_view word) {
  if (EqualsIgnoreCase(word, "slave")) return "replica";
  for (const std::string_view type : {"normal", "replica", "pubsub", "master"})
    if (EqualsIgnoreCase(word, type)) return type;
  return std::nullopt;
}

}  // namespace cloakroom
