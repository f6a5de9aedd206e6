#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "redis_compat/command/args.h"
#include "store/base/time.h"

namespace cloakroom {

/// Redis 7 tells its replicas every deadline as an instant. Older ones send what their client sent,
/// which may count from the moment of the command: this makes an instant of it.
///
///   SET k v EX 10, SETEX k 10 v   -> SET k v PXAT ...
///   EXPIRE k 10, PEXPIRE k 10000  -> PEXPIREAT k ...
///   GETEX k EX 10                 -> GETEX k PXAT ...
///   RESTORE k 10000 payload       -> RESTORE k ... payload ABSTTL
class AbsoluteExpiry {
 public:
  /// `args`, or the same command with an instant, counted from `now`. What is not of its form stays
  /// as it is. The words are good until the next call.
  [[nodiscard]] Args Rewrite(Args args, TimeMs now);

 private:
  bool Replace(Args args, size_t word, int64_t unit_ms, TimeMs now);
  [[nodiscard]] Args Options(Args args, size_t from, TimeMs now);
  [[nodiscard]] Args SetWithTime(Args args, int64_t unit_ms, TimeMs now);
  [[nodiscard]] Args Expire(Args args, int64_t unit_ms, TimeMs now);
  [[nodiscard]] Args Restore(Args args, TimeMs now);

  std::vector<std::string_view> words_;
  std::string instant_;
};

}  // namespace cloakroom
