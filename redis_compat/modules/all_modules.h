#pragma once

#include "redis_compat/command/registry.h"

namespace cloakroom {

void RegisterConnection(Registry& registry);
void RegisterServer(Registry& registry);
void RegisterCommand(Registry& registry);
void RegisterTransactions(Registry& registry);
void RegisterPubSub(Registry& registry);
void RegisterKeys(Registry& registry);
void RegisterScan(Registry& registry);
void RegisterExpiry(Registry& registry);
void RegisterObject(Registry& registry);
void RegisterDump(Registry& registry);
void RegisterMemory(Registry& registry);
void RegisterPersistence(Registry& registry);
void RegisterReplication(Registry& registry);
void RegisterDatabases(Registry& registry);
void RegisterCluster(Registry& registry);
void RegisterStrings(Registry& registry);
void RegisterHashes(Registry& registry);
void RegisterSets(Registry& registry);
void RegisterSession(Registry& registry);

/// Every family there is.
void RegisterAllModules(Registry& registry);

}  // namespace cloakroom
