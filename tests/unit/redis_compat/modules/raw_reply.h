#pragma once

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace cloakroom {

/// What tests of the families write and read of raw replies.

inline constexpr std::string_view kWrongType =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
inline constexpr std::string_view kSyntax = "-ERR syntax error\r\n";

inline std::string Bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

/// All bulk strings of a reply, however they are nested, in order.
inline std::vector<std::string> BulksIn(std::string_view reply) {
  std::vector<std::string> bulks;
  while (!reply.empty()) {
    const size_t end = reply.find("\r\n");
    const std::string line(reply.substr(0, end));
    reply.remove_prefix(end + 2);
    if (line[0] != '$' || line[1] == '-') continue;
    const size_t size = std::strtoul(line.c_str() + 1, nullptr, 10);
    bulks.emplace_back(reply.substr(0, size));
    reply.remove_prefix(size + 2);
  }
  return bulks;
}

}  // namespace cloakroom
