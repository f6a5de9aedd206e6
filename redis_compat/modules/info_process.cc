// INFO's sections on the process: server, clients, cpu, modules. Memory and persistence have files
// of their own.

#include <sys/resource.h>

#include <algorithm>

#include "redis_compat/command/dispatcher.h"
#include "redis_compat/command/server_control.h"
#include "redis_compat/modules/info.h"
#include "redis_compat/modules/versions.h"

namespace cloakroom {
namespace {

constexpr int64_t kLruClockMask = 0xFFFFFF;

void CopyFact(const Facts& facts, std::string_view name, InfoText& info) {
  if (const auto it = facts.find(name); it != facts.end()) info.Field(name, it->second);
}

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

void InfoServer(CommandContext& ctx, const Facts& facts, InfoText& info) {
  const TimeMs up_s = std::max<TimeMs>(0, ctx.now - ctx.server.metrics().started_ms) / 1000;
  const std::string hz = ctx.server.ConfigGet("hz").value_or("10");
  info.Section("Server");
  info.Field("redis_version", kRedisVersion);
  info.Field("cloakroom_version", kCloakroomVersion);
  info.Field("redis_git_sha1", "00000000");
  info.Field("redis_git_dirty", 0);
  info.Field("redis_build_id", 0);
  info.Field("redis_mode", "standalone");
  CopyFact(facts, "os", info);
  info.Field("arch_bits", sizeof(void*) * 8);
  info.Field("monotonic_clock", "POSIX clock_gettime");
  info.Field("multiplexing_api", "epoll");
  info.Field("atomicvar_api", "c11-builtin");
  CopyFact(facts, "gcc_version", info);
  CopyFact(facts, "process_id", info);
  info.Field("process_supervised", "no");
  CopyFact(facts, "run_id", info);
  CopyFact(facts, "tcp_port", info);
  info.Field("server_time_usec", ctx.now * 1000);
  info.Field("uptime_in_seconds", up_s);
  info.Field("uptime_in_days", up_s / (24 * 3600));
  info.Field("hz", hz);
  info.Field("configured_hz", hz);
  info.Field("lru_clock", ctx.now / 1000 & kLruClockMask);
  CopyFact(facts, "executable", info);
  CopyFact(facts, "config_file", info);
  info.Field("io_threads_active", 0);
}

void InfoClients(CommandContext& ctx, const Facts& /*facts*/, InfoText& info) {
  size_t input_max = 0;
  size_t output_max = 0;
  ctx.server.ForEachClient([&](ClientState& client) {
    input_max = std::max(input_max, client.query_buffer_bytes);
    output_max = std::max(output_max, client.output_buffer_max_bytes);
  });
  const ServerMetrics& metrics = ctx.server.metrics();
  info.Section("Clients");
  info.Field("connected_clients", metrics.connected_clients);
  info.Field("cluster_connections", 0);
  info.Field("maxclients", metrics.max_clients);
  info.Field("client_recent_max_input_buffer", input_max);
  info.Field("client_recent_max_output_buffer", output_max);
  info.Field("blocked_clients", metrics.blocked_clients);
  info.Field("tracking_clients", 0);
  info.Field("clients_in_timeout_table", 0);
}

void InfoCpu(CommandContext& /*ctx*/, const Facts& /*facts*/, InfoText& info) {
  rusage self{};
  rusage children{};
  rusage thread{};
  ::getrusage(RUSAGE_SELF, &self);
  ::getrusage(RUSAGE_CHILDREN, &children);
  ::getrusage(RUSAGE_THREAD, &thread);  // which serves, and is the main one
  info.Section("CPU");
  info.Microseconds("used_cpu_sys", Seconds(self.ru_stime));
  info.Microseconds("used_cpu_user", Seconds(self.ru_utime));
  info.Microseconds("used_cpu_sys_children", Seconds(children.ru_stime));
  info.Microseconds("used_cpu_user_children", Seconds(children.ru_utime));
  info.Microseconds("used_cpu_sys_main_thread", Seconds(thread.ru_stime));
  info.Microseconds("used_cpu_user_main_thread", Seconds(thread.ru_utime));
}

void InfoModules(CommandContext& /*ctx*/, const Facts& /*facts*/, InfoText& info) {
  info.Section("Modules");
}

}  // namespace cloakroom
