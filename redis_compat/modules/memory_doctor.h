#pragma once

#include <string>

#include "redis_compat/command/server_control.h"
#include "redis_compat/modules/memory_figures.h"

namespace cloakroom {

/// What seems wrong with memory, a paragraph each: what was found, in figures, and what helps.
[[nodiscard]] std::string DiagnoseMemory(const MemoryFigures& figures,
                                         const ServerMetrics& metrics);

}  // namespace cloakroom
