#pragma once

#include <hiredis/hiredis.h>

#include <string>

namespace cloakroom {

/// A reply for people: strings quoted and escaped, elements numbered and indented, as redis-cli
/// shows them on a terminal. Ends with a line feed.
[[nodiscard]] std::string ReplyForPeople(const redisReply& reply);

/// A reply for programs: bytes as they are, an element a line, nothing for nil. Ends with a line
/// feed.
[[nodiscard]] std::string ReplyForPrograms(const redisReply& reply);

}  // namespace cloakroom
