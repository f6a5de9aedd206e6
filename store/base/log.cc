#include "store/base/log.h"

namespace cloakroom {
namespace {

LogSink sink_of_process = nullptr;
LogLevel least_of_process = LogLevel::kNotice;

}  // namespace

void SetLogSink(LogSink sink) { sink_of_process = sink; }

void SetLogLevel(LogLevel least) { least_of_process = least; }

bool LogEnabled(LogLevel level) { return sink_of_process != nullptr && level >= least_of_process; }

void LogLine(LogLevel level, std::string_view line) {
  if (LogEnabled(level)) sink_of_process(level, line);
}

}  // namespace cloakroom
