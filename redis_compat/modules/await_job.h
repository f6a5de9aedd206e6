#pragma once

#include <cstdint>
#include <optional>

#include "redis_compat/command/context.h"
#include "redis_compat/command/server_control.h"
#include "store/base/result.h"

namespace cloakroom {

/// Begins an image by `begin`, a Result<uint64_t>(), and has the client wait for its end: the
/// handler runs again then. Others are served meanwhile. Returns whether the image is safe.
///   errors  those of `begin`, and those of the image
template <typename Begin>
Result<bool> AwaitJob(CommandContext& ctx, Begin begin) {
  uint64_t& job = ctx.client.awaited_job;
  if (job == 0) {
    TRY(job, begin());
  }
  const std::optional<Result<void>> ended = ctx.server.SaveResult(job);
  if (!ended) {
    ctx.waits = true;
    return false;
  }
  job = 0;
  TRY_VOID(*ended);
  return true;
}

}  // namespace cloakroom
