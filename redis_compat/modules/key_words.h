#pragma once

#include <algorithm>
#include <cstddef>

#include "redis_compat/command/args.h"
#include "redis_compat/command/context.h"

namespace cloakroom {

/// Calls visit(KeyRef, index) for the words args[first], args[first + step], ... in order. Keys are
/// hashed and prefetched a group at a time, so that their cache misses overlap.
template <typename Visit>
void ForEachKey(const CommandContext& ctx, Args args, size_t first, size_t step, Visit&& visit) {
  constexpr size_t kGroup = 16;
  if (first + step >= args.size()) {  // the usual case: one key, which the turn has prefetched
    visit(ctx.Ref(args[first]), first);
    return;
  }
  KeyRef refs[kGroup];
  for (size_t begin = first; begin < args.size(); begin += kGroup * step) {
    const size_t end = std::min(args.size(), begin + kGroup * step);
    size_t count = 0;
    for (size_t i = begin; i < end; i += step) {
      refs[count] = ctx.Ref(args[i]);
      ctx.keys.PrefetchBucket(ctx.db(), refs[count].position);
      ++count;
    }
    for (size_t k = 0; k < count; ++k) ctx.keys.PrefetchEntry(ctx.db(), refs[k].position);
    for (size_t k = 0; k < count; ++k) visit(refs[k], begin + k * step);
  }
}

}  // namespace cloakroom
