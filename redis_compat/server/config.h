#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redis_compat/server/config_options.h"
#include "redis_compat/server/settings.h"
#include "store/base/function_ref.h"
#include "store/base/result.h"

namespace cloakroom {

/// The options of a server: their texts for CONFIG GET, their meaning in settings(). A value type.
class Config {
 public:
  /// Every option at its default.
  Config();

  [[nodiscard]] const Settings& settings() const { return settings_; }

  /// One line of a file: the option's name, then its words. For the start: immutable ones too.
  [[nodiscard]] Result<void> Direct(std::span<const std::string> words);

  /// CONFIG SET: all or none. The message of an error is Redis's whole sentence.
  [[nodiscard]] Result<void> Set(const std::vector<std::pair<std::string, std::string>>& settings);

  /// REPLICAOF has changed whom the server follows; an empty host: nobody.
  void NoteReplicaOf(std::string_view host, uint16_t port);

  /// By name or alias; nullopt when there is no such option.
  [[nodiscard]] std::optional<std::string> Get(std::string_view name) const;
  /// Every name and alias with its value.
  void ForEach(FunctionRef<void(std::string_view name, const std::string& value)> visit) const;
  /// The value of a row of AllOptions().
  [[nodiscard]] const OptionValue& value(const Option& option) const;

 private:
  void Assign(const Option& option, OptionValue value);

  std::vector<OptionValue> values_;  // parallel to AllOptions()
  Settings settings_;
  bool save_given_ = false;  // by a line of a file
};

}  // namespace cloakroom
