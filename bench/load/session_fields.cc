#include "bench/load/session_fields.h"

#include "bench/load/request_text.h"

namespace cloakroom::bench {
namespace {

constexpr uint64_t kIdleSeconds = 1800;

}  // namespace

SessionFields::SessionFields(const WorkloadOptions& options, const TextPool& text)
    : text_(text),
      agent_bytes_(options.user_agent_bytes),
      sessions_per_user_(options.sessions_per_user),
      idle_seconds_(options.expire_seconds != 0 ? options.expire_seconds : kIdleSeconds) {
  if (options.field_bytes == 0) {
    fields_ = {{"uid", 9}, {"lang", 5}, {"role", 6}, {"cart", 24}, {"csrf", 32}, {"seen", 13}};
    return;
  }
  for (size_t i = 0; i < options.field_count; ++i)
    fields_.push_back({fmt::format("field{:02}", i), options.field_bytes});
}

void SessionFields::Append(std::string& out, Random& random) const {
  for (size_t i = 0; i < fields_.size(); ++i) AppendOne(out, random, i);
}

void SessionFields::AppendOne(std::string& out, Random& random, size_t which) const {
  const Field& field = fields_[which % fields_.size()];
  AppendWord(out, field.name);
  AppendWord(out, text_.Cut(random, field.bytes));
}

std::string_view SessionFields::Agent(Random& random) const {
  return text_.Cut(random, agent_bytes_);
}

std::string SessionFields::User(uint64_t session) const {
  return fmt::format("user:{}", session / sessions_per_user_);
}

}  // namespace cloakroom::bench
