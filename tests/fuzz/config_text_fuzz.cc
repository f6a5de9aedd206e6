// Any text is either applied or refused with a message; what was applied, rewritten and read again
// gives the same options.

#include <cstdint>
#include <string>
#include <string_view>

#include "redis_compat/server/config_text.h"
#include "store/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cloakroom;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto no_include = [](const std::string& path) -> Result<std::string> {
    return Fail(Code::kInvalid, "no file {}", path);
  };
  Config config;
  const Result<void> applied = ApplyConfigText(text, no_include, config);
  if (!applied) {
    CHECK(!applied.error().message.empty());
    return 0;
  }
  const std::string rewritten = RewriteConfigText(text, config);
  Config again;
  CHECK(ApplyConfigText(rewritten, no_include, again).has_value());
  config.ForEach(
      [&](std::string_view name, const std::string& value) { CHECK(again.Get(name) == value); });
  return 0;
}
