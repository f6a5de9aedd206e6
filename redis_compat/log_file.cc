#include "redis_compat/log_file.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "store/base/log.h"

namespace cloakroom {
namespace {

void WriteLine(LogLevel level, std::string_view line) {
  constexpr std::string_view kMarks = ".-*#";
  spdlog::default_logger_raw()->log(spdlog::level::info, "{} {}",
                                    kMarks[static_cast<size_t>(level)], line);
}

}  // namespace

Result<void> OpenLog(const std::string& path) {
  spdlog::sink_ptr sink;
  if (path.empty()) {
    sink = std::make_shared<spdlog::sinks::stdout_sink_st>();
  } else {
    // Tried beforehand, because spdlog can only throw.
    std::FILE* const file = std::fopen(path.c_str(), "a");
    if (file == nullptr)
      return Fail(Code::kInvalid, "Can't open the log file '{}': {}", path, std::strerror(errno));
    std::fclose(file);
    sink = std::make_shared<spdlog::sinks::basic_file_sink_st>(path);
  }
  auto logger = std::make_shared<spdlog::logger>("", std::move(sink));
  logger->set_pattern("%P:M %d %b %Y %H:%M:%S.%e %v");
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
  SetLogSink(WriteLine);
  return {};
}

}  // namespace cloakroom
