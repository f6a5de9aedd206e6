#include "store/table/session_space.h"

#include "store/base/check.h"

namespace cloakroom {

struct SessionSpace::Impl {};

SessionSpace::SessionSpace(uint64_t) : impl_(std::make_unique<Impl>()) {}
SessionSpace::~SessionSpace() = default;

void SessionSpace::Apply(const RecordHeader&, const Op& op) { CHECK(!op.ForSessions()); }
void SessionSpace::FlushAll() {}
bool SessionSpace::Sweep(TimeMs, size_t) { return true; }
TimeMs SessionSpace::NextDue() const { return kNoDeadline; }
Table::Memory SessionSpace::memory() const { return {}; }

}  // namespace cloakroom
