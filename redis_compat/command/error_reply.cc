#include "redis_compat/command/error_reply.h"

namespace cloakroom {
namespace {

/// The word that stands before the message; empty where the message brings its own.
std::string_view WordOf(Code code) {
  switch (code) {
    case Code::kInvalid:
    case Code::kOutOfRange:
    case Code::kUnavailable:
    case Code::kNotFound:
    case Code::kNoSpace:
    case Code::kIo:
    case Code::kSyncFailed:
    case Code::kDamaged:
      return "ERR";
    case Code::kWrongType:
      return "WRONGTYPE";
    case Code::kNoMemory:
      return "OOM";
    case Code::kNoSession:
      return "NOSESSION";
    case Code::kVersionConflict:
      return "VERCONFLICT";
    case Code::kSessionLimit:
      return "SESSLIMIT";
    case Code::kRevoked:
      return "REVOKED";
    case Code::kUserMismatch:
      return "USERMISMATCH";
    case Code::kTooBig:
      return "TOOBIG";
    case Code::kNoAuth:
      return "NOAUTH";
    case Code::kWrongPass:
      return "WRONGPASS";
    case Code::kNoProto:
      return "NOPROTO";
    case Code::kExecAbort:
      return "EXECABORT";
    case Code::kRefused:
      return "MISCONF";
    case Code::kLoading:
      return "LOADING";
    case Code::kVerbatim:
      return "";
  }
  return "ERR";
}

/// What to say where the store said nothing.
std::string_view DefaultMessage(Code code) {
  switch (code) {
    case Code::kNoSession:
      return "no such session";
    case Code::kNoAuth:
      return "Authentication required.";
    case Code::kNoMemory:
      return "command not allowed when used memory > 'maxmemory'.";
    case Code::kWrongType:
      return "Operation against a key holding the wrong kind of value";
    case Code::kWrongPass:
      return "invalid username-password pair or user is disabled.";
    case Code::kLoading:
      return "Redis is loading the dataset in memory";
    case Code::kExecAbort:
      return "Transaction discarded because of previous errors.";
    default:
      return "";
  }
}

void AppendLine(std::string& out, const Error& error) {
  const std::string_view word = WordOf(error.code);
  std::string_view message = error.message;
  if (message.empty()) message = DefaultMessage(error.code);
  while (!message.empty() && (message.back() == '\r' || message.back() == '\n'))
    message.remove_suffix(1);
  out += word;
  if (!word.empty() && !message.empty()) out += ' ';
  for (const char c : message) out += c == '\r' || c == '\n' ? ' ' : c;
}

}  // namespace

void AppendError(std::string& out, const Error& error) {
  out += '-';
  AppendLine(out, error);
  out += "\r\n";
}

std::string ErrorLine(const Error& error) {
  std::string line;
  AppendLine(line, error);
  return line;
}

std::string_view ErrorWord(std::string_view reply) {
  if (reply.empty() || reply[0] != '-') return {};
  reply.remove_prefix(1);
  return reply.substr(0, reply.find_first_of(" \r"));
}

}  // namespace cloakroom
