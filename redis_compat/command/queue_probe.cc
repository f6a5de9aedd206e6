#include "redis_compat/command/queue_probe.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/base/check.h"

namespace cloakroom {

void ProbeQueue(Dispatcher& dispatcher, ServerControl& server, Random& random, ClientState& client,
                WriteBatch& batch) {
  const Shard& shard = dispatcher.shard();
  const uint32_t db = client.db;
  const bool no_touch = std::exchange(client.no_touch, true);  // this is no use of the keys
  LookupCounters lookups;
  std::string out;
  std::vector<std::string_view> words;
  for (const std::vector<std::string>& queued : client.queued) {
    words.assign(queued.begin(), queued.end());
    const Args args(words);
    const Command* const command = dispatcher.registry().Resolve(args);
    CHECK(command != nullptr);  // it was found when it was queued
    const CommandSpec& spec = *command->spec;
    if ((spec.flags & kDenyOom) == 0 && spec.name != "select") continue;
    out.clear();
    Reply reply(out, client.protocol);
    CommandContext ctx(shard.keys(), batch, shard.now(), client, random, server, dispatcher,
                       *command, lookups, KeyRef{});
    (void)spec.handler(ctx, args, reply);  // what it would refuse, it will refuse
  }
  client.db = db;
  client.no_touch = no_touch;
}

}  // namespace cloakroom
