#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "redis_compat/command/context.h"

namespace cloakroom {

/// The text of INFO as it grows: sections of name:value lines.
class InfoText {
 public:
  /// Starts a section: "# Clients", with an empty line before all but the first.
  void Section(std::string_view title) {
    if (!text_.empty()) text_ += "\r\n";
    text_.append("# ").append(title).append("\r\n");
  }
  template <typename Value>
  void Field(std::string_view name, const Value& value) {
    fmt::format_to(std::back_inserter(text_), "{}:{}\r\n", name, value);
  }
  /// With two digits after the point.
  void Decimal(std::string_view name, double value) {
    fmt::format_to(std::back_inserter(text_), "{}:{:.2f}\r\n", name, value);
  }
  void Microseconds(std::string_view name, double seconds) {
    fmt::format_to(std::back_inserter(text_), "{}:{:.6f}\r\n", name, seconds);
  }
  /// The bytes, and a second line name_human in K, M, G.
  void Bytes(std::string_view name, uint64_t bytes);

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// "1.02M", as INFO's *_human fields say it.
[[nodiscard]] std::string HumanBytes(uint64_t bytes);

/// What the process told about itself, by name.
using Facts = std::map<std::string, std::string, std::less<>>;

// One function a section; each writes its heading too.
void InfoServer(CommandContext& ctx, const Facts& facts, InfoText& info);
void InfoClients(CommandContext& ctx, const Facts& facts, InfoText& info);
void InfoMemory(CommandContext& ctx, const Facts& facts, InfoText& info);
void InfoPersistence(CommandContext& ctx, const Facts& facts, InfoText& info);
void InfoStats(CommandContext& ctx, const Facts& facts, InfoText& info);
void InfoReplication(CommandContext& ctx, const Facts& facts, InfoText& info);
void InfoCpu(CommandContext& ctx, const Facts& facts, InfoText& info);
void InfoModules(CommandContext& ctx, const Facts& facts, InfoText& info);
void InfoCommandStats(CommandContext& ctx, const Facts& facts, InfoText& info);
void InfoErrorStats(CommandContext& ctx, const Facts& facts, InfoText& info);
void InfoCluster(CommandContext& ctx, const Facts& facts, InfoText& info);
void InfoKeyspace(CommandContext& ctx, const Facts& facts, InfoText& info);

}  // namespace cloakroom
