#include "client/reply_text.h"

#include <fmt/format.h>

#include <string_view>

#include "redis_compat/resp/inline_words.h"

namespace cloakroom {
namespace {

std::string_view Bytes(const redisReply& reply) { return {reply.str, reply.len}; }

// `indent` is what stands before each element but the first, which follows its own number.
void AppendForPeople(std::string& out, const redisReply& reply, size_t indent) {
  switch (reply.type) {
    case REDIS_REPLY_STRING:
      AppendQuoted(out, Bytes(reply));
      break;
    case REDIS_REPLY_INTEGER:
      out += fmt::format("(integer) {}", reply.integer);
      break;
    case REDIS_REPLY_NIL:
      out += "(nil)";
      break;
    case REDIS_REPLY_ERROR:
      out += "(error) ";
      out += Bytes(reply);
      break;
    case REDIS_REPLY_ARRAY: {
      if (reply.elements == 0) {
        out += "(empty array)";
        break;
      }
      const size_t digits = fmt::formatted_size("{}", reply.elements);
      for (size_t i = 0; i < reply.elements; ++i) {
        if (i > 0) out.append(indent, ' ');
        out += fmt::format("{:>{}}) ", i + 1, digits);
        AppendForPeople(out, *reply.element[i], indent + digits + 2);
      }
      return;  // the last element ended its line
    }
    default:
      out += Bytes(reply);
  }
  out += '\n';
}

}  // namespace

std::string ReplyForPeople(const redisReply& reply) {
  std::string out;
  AppendForPeople(out, reply, 0);
  return out;
}

std::string ReplyForPrograms(const redisReply& reply) {
  switch (reply.type) {
    case REDIS_REPLY_INTEGER:
      return fmt::format("{}\n", reply.integer);
    case REDIS_REPLY_NIL:
      return "\n";
    case REDIS_REPLY_ARRAY: {
      std::string out;
      for (size_t i = 0; i < reply.elements; ++i) out += ReplyForPrograms(*reply.element[i]);
      return out.empty() ? "\n" : out;
    }
    default:
      return std::string(Bytes(reply)) + '\n';
  }
}

}  // namespace cloakroom
