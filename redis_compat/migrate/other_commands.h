#pragma once

#include <cstdint>
#include <string_view>

#include "redis_compat/command/args.h"

namespace cloakroom {

/// What a command of a primary's stream that we do not have means to a copy.
struct OtherCommand {
  enum class Effect : uint8_t {
    kKey,      // it writes a key: whatever stood there before is not what stands there now
    kFields,   // it gives fields of a hash deadlines of their own
    kScript,   // what it changes is known only to who can run it
    kNothing,  // it changes no key
    kUnknown,
  };
  std::string_view name;  // lower case
  Effect effect = Effect::kUnknown;
  std::string_view type;  // what it is for: "list", "zset", ...
  uint8_t key = 1;        // the word that names the key it writes, or one of these:
  static constexpr uint8_t kBehindStore = 0;
  static constexpr uint8_t kNoKey = 255;
};

/// The row of `args`, or one of kUnknown.
[[nodiscard]] const OtherCommand& FindOtherCommand(Args args);
/// The key that it writes; empty when there is none.
[[nodiscard]] std::string_view KeyOf(const OtherCommand& command, Args args);

}  // namespace cloakroom
