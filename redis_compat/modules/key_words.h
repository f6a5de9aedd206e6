#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <unordered_set>

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

/// Tells whether a word of `args` stood there before: a handler does not see its own batch, so
/// DEL of one key twice must not count it twice. Words must be asked for in order, from `first`.
class Repeats {
 public:
  Repeats(Args args, size_t first) : args_(args), first_(first) {}

  [[nodiscard]] bool IsRepeat(size_t i) {
    if (args_.size() - first_ > kCompareMax) return !seen_.insert(args_[i]).second;
    for (size_t earlier = first_; earlier < i; ++earlier) {
      if (args_[earlier] == args_[i]) return true;
    }
    return false;
  }

 private:
  static constexpr size_t kCompareMax = 16;  // up to here comparing is cheaper than hashing

  Args args_;
  size_t first_;
  std::unordered_set<std::string_view> seen_;
};

}  // namespace cloakroom
