#include "redis_compat/modules/all_modules.h"

namespace cloakroom {

void RegisterAllModules(Registry& registry) {
  RegisterConnection(registry);
  RegisterServer(registry);
  RegisterCommand(registry);
  RegisterTransactions(registry);
  RegisterPubSub(registry);
  RegisterKeys(registry);
  RegisterScan(registry);
  RegisterExpiry(registry);
  RegisterObject(registry);
  RegisterDump(registry);
  RegisterMemory(registry);
  RegisterPersistence(registry);
  RegisterReplication(registry);
  RegisterDatabases(registry);
  RegisterCluster(registry);
  RegisterStrings(registry);
  RegisterHashes(registry);
  RegisterSets(registry);
  RegisterSession(registry);
}

}  // namespace cloakroom
