#pragma once

#include <string>
#include <vector>

#include "bench/load/workload.h"

namespace cloakroom::bench {

/// The fields of a session, the same for SESSION.* and for plain commands, so that both store the
/// same bytes. By default the six of a small web session, 112 B of names and values; with
/// --field-size, field00, field01, ... of that many bytes each.
class SessionFields {
 public:
  SessionFields(const WorkloadOptions& options, const TextPool& text);

  [[nodiscard]] size_t count() const { return fields_.size(); }

  /// Appends all names and values as words, with fresh random values.
  void Append(std::string& out, Random& random) const;

  /// Appends one field, as an update of it would: the name of field `which`, and a fresh value.
  void AppendOne(std::string& out, Random& random, size_t which) const;

  /// The browser's name, of `user_agent_bytes`.
  [[nodiscard]] std::string_view Agent(Random& random) const;

  /// Who owns session `session`: "user:<number>".
  [[nodiscard]] std::string User(uint64_t session) const;

  /// The seconds that a session lives unused.
  [[nodiscard]] uint64_t idle_seconds() const { return idle_seconds_; }

 private:
  struct Field {
    std::string name;
    size_t bytes;
  };

  const TextPool& text_;
  std::vector<Field> fields_;
  size_t agent_bytes_;
  uint64_t sessions_per_user_;
  uint64_t idle_seconds_;
};

}  // namespace cloakroom::bench
