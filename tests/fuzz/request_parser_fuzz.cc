// Any bytes, torn anywhere, must give the same requests and the same error as in one piece; nothing
// crashes, and no word reaches outside the input. The first byte says where to tear.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "redis_compat/resp/request_parser.h"
#include "store/base/check.h"

namespace cloakroom {
namespace {

struct Parsed {
  std::vector<std::string> words;
  std::string error;

  friend bool operator==(const Parsed&, const Parsed&) = default;
};

// Feeds `input` in pieces of `piece_bytes`, as a connection would.
Parsed ParseInPieces(std::string_view input, size_t piece_bytes, bool unauthenticated) {
  Parsed parsed;
  RequestParser parser;
  const RequestLimits limits{.unauthenticated = unauthenticated};
  std::string buffer;
  for (size_t at = 0; at < input.size(); at += piece_bytes) {
    buffer.append(input.substr(at, piece_bytes));
    while (!buffer.empty()) {
      RequestWords words;
      const RequestParser::Step step = parser.Next(buffer, limits, words);
      CHECK(step.consumed <= buffer.size());
      for (const std::string_view word : words.views) parsed.words.emplace_back(word);
      if (step.status == RequestParser::Status::kRequest) parsed.words.emplace_back("\n");
      buffer.erase(0, step.consumed);
      if (step.status == RequestParser::Status::kError) {
        parsed.error = parser.error();
        return parsed;
      }
      if (step.status == RequestParser::Status::kNeedMore) break;
    }
  }
  return parsed;
}

}  // namespace
}  // namespace cloakroom

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool unauthenticated = (data[0] & 128) != 0;
  const size_t piece_bytes = 1 + (data[0] & 127);
  const cloakroom::Parsed torn = cloakroom::ParseInPieces(input, piece_bytes, unauthenticated);
  // A line that is too long is refused as soon as it is seen to be: how soon hangs on the pieces.
  if (size < 60000) CHECK(torn == cloakroom::ParseInPieces(input, input.size(), unauthenticated));
  return 0;
}
