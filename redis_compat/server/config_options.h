#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "redis_compat/server/settings.h"
#include "store/base/result.h"

namespace cloakroom {

/// How the words of an option are read.
enum class OptionKind : uint8_t {
  kBool,           // yes, no
  kInteger,        // decimal
  kOctal,          // file modes
  kMemory,         // bytes, or with a unit: 1k = 1000, 1kb = 1024, ...
  kMemoryPercent,  // the same, or a percentage: 5%, which is the number -5
  kText,           // one word as it is
  kChoice,         // one of `choices`
  kWords,          // any number of words
  kOutputLimits,   // class hard soft seconds, once for each class
  kSaveRules,      // seconds changes, any number of times
  kPeer,           // a host and its port, or "no one"
  kEventClasses,   // letters, as of notify-keyspace-events
  kKeep,           // a size as kMemory, a time (90s, 30min, 12h, 7d), or one of each
};

enum OptionFlag : uint32_t {
  kImmutable = 1 << 0,    // CONFIG SET refuses it
  kProtected = 1 << 1,    // the same, for what could reach files
  kSecret = 1 << 2,       // its value is not shown in SLOWLOG
  kOnlyDefault = 1 << 3,  // what it turns on is not built: any other value is refused
  kFixed = 1 << 4,        // CONFIG SET takes no other value than the present one
};

/// A value that was read: its canonical text, and what the text means.
struct OptionValue {
  std::string text;
  int64_t number = 0;               // of the other kinds; kChoice: its index; kPeer: the port
  std::vector<std::string> words;   // kWords; kPeer: the host, or none
  std::vector<OutputLimit> limits;  // kOutputLimits: normal, replica, pubsub
  std::vector<int64_t> numbers;     // kSaveRules: seconds, changes, ...; kKeep: bytes, milliseconds
};

/// One option: all there is to know of it.
struct Option {
  std::string_view name;
  std::string_view alias;  // its older name, empty when it has none
  OptionKind kind;
  uint32_t flags;
  std::string_view default_text;
  int64_t min = 0;
  int64_t max = 0;
  std::string_view choices = "";  // separated by blanks
  /// Carries the value into the settings. nullptr: it tunes what is off anyway; kept to be shown.
  void (*apply)(Settings& settings, const OptionValue& value) = nullptr;
};

/// Every option, sorted by name.
[[nodiscard]] std::span<const Option> AllOptions();

/// By name or alias in either case; nullptr when unknown.
[[nodiscard]] const Option* FindOption(std::string_view name);

/// Reads the words that follow an option's name. `current` is the value the option has now
/// (client-output-buffer-limit names only the classes that change). The message of an error is
/// Redis's.
[[nodiscard]] Result<OptionValue> ReadOptionValue(const Option& option,
                                                  std::span<const std::string> words,
                                                  const OptionValue& current);

/// "64mb" -> 67108864. Returns false for anything that is not of the form or does not fit.
[[nodiscard]] bool ParseMemory(std::string_view text, int64_t& bytes);

}  // namespace cloakroom
