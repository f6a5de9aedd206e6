#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <string_view>
#include <utility>

namespace cloakroom {

/// From the most talkative to the most urgent; the names are those of option loglevel.
enum class LogLevel : uint8_t { kDebug, kVerbose, kNotice, kWarning };

/// Takes one line, without its end.
using LogSink = void (*)(LogLevel level, std::string_view line);

/// Says where lines go from now on. Until then, and for nullptr, they are dropped.
void SetLogSink(LogSink sink);

/// Drops what is below `least`. At first: kNotice.
void SetLogLevel(LogLevel least);

[[nodiscard]] bool LogEnabled(LogLevel level);
void LogLine(LogLevel level, std::string_view line);

/// Logs a line. Never pass a secret: no password, no token, no value.
template <typename... Args>
void Log(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  if (LogEnabled(level)) LogLine(level, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace cloakroom
