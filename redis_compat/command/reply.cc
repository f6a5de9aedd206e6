#include "redis_compat/command/reply.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "redis_compat/command/error_reply.h"

namespace cloakroom {
namespace {

constexpr size_t kHeaderBytesMax = 24;  // a type byte, 20 digits, CRLF

// A bulk string up to this size is put together on the stack and appended at once.
constexpr size_t kShortBulkBytes = 99;

/// `type` n CRLF, built on the stack and appended at once.
void AppendHeader(std::string& out, char type, int64_t n) {
  char text[kHeaderBytesMax];
  text[0] = type;
  char* end = std::to_chars(text + 1, text + sizeof text, n).ptr;
  *end++ = '\r';
  *end++ = '\n';
  out.append(text, static_cast<size_t>(end - text));
}

}  // namespace

Result<void> Reply::Ok() {
  out_.append("+OK\r\n", 5);
  return {};
}

Result<void> Reply::Simple(std::string_view line) {
  out_ += '+';
  out_ += line;
  out_.append("\r\n", 2);
  return {};
}

Result<void> Reply::Integer(int64_t value) {
  AppendHeader(out_, ':', value);
  return {};
}

Result<void> Reply::Bulk(std::string_view bytes) {
  if (bytes.size() <= kShortBulkBytes) [[likely]] {
    char text[kShortBulkBytes + 7];
    char* end = text;
    *end++ = '$';
    if (bytes.size() >= 10) *end++ = static_cast<char>('0' + bytes.size() / 10);
    *end++ = static_cast<char>('0' + bytes.size() % 10);
    *end++ = '\r';
    *end++ = '\n';
    end = std::copy(bytes.begin(), bytes.end(), end);
    *end++ = '\r';
    *end++ = '\n';
    out_.append(text, static_cast<size_t>(end - text));
    return {};
  }
  AppendHeader(out_, '$', static_cast<int64_t>(bytes.size()));
  out_.append(bytes);
  out_.append("\r\n", 2);
  return {};
}

Result<void> Reply::BulkInteger(int64_t value) {
  char text[kHeaderBytesMax];
  const char* end = std::to_chars(text, text + sizeof text, value).ptr;
  return Bulk({text, static_cast<size_t>(end - text)});
}

Result<void> Reply::Null() {
  if (protocol_ == 2)
    out_.append("$-1\r\n", 5);
  else
    out_.append("_\r\n", 3);
  return {};
}

Result<void> Reply::NullArray() {
  if (protocol_ == 2)
    out_.append("*-1\r\n", 5);
  else
    out_.append("_\r\n", 3);
  return {};
}

Result<void> Reply::Array(size_t count) {
  AppendHeader(out_, '*', static_cast<int64_t>(count));
  return {};
}

Result<void> Reply::Map(size_t pairs) {
  if (protocol_ == 2)
    AppendHeader(out_, '*', static_cast<int64_t>(pairs * 2));
  else
    AppendHeader(out_, '%', static_cast<int64_t>(pairs));
  return {};
}

Result<void> Reply::Set(size_t count) {
  AppendHeader(out_, protocol_ == 2 ? '*' : '~', static_cast<int64_t>(count));
  return {};
}

Result<void> Reply::Push(size_t count) {
  AppendHeader(out_, protocol_ == 2 ? '*' : '>', static_cast<int64_t>(count));
  return {};
}

Result<void> Reply::Double(double value) {
  char text[40];
  int size = 0;
  if (std::isinf(value))
    size = std::snprintf(text, sizeof text, "%s", value > 0 ? "inf" : "-inf");
  else
    size = std::snprintf(text, sizeof text, "%.17g", value);
  const std::string_view digits(text, static_cast<size_t>(size));
  if (protocol_ == 2) return Bulk(digits);
  out_ += ',';
  out_ += digits;
  out_.append("\r\n", 2);
  return {};
}

Result<void> Reply::Boolean(bool value) {
  if (protocol_ == 2) return Integer(value ? 1 : 0);
  out_.append(value ? "#t\r\n" : "#f\r\n", 4);
  return {};
}

Result<void> Reply::Verbatim(std::string_view text) {
  if (protocol_ == 2) return Bulk(text);
  AppendHeader(out_, '=', static_cast<int64_t>(text.size() + 4));
  out_.append("txt:", 4);
  out_.append(text);
  out_.append("\r\n", 2);
  return {};
}

Result<void> Reply::Error(const cloakroom::Error& error) {
  AppendError(out_, error);
  return {};
}

size_t Reply::DeferArray() { return out_.size(); }

void Reply::SettleArray(size_t place, size_t count) {
  char text[kHeaderBytesMax];
  text[0] = '*';
  char* end = std::to_chars(text + 1, text + sizeof text, count).ptr;
  *end++ = '\r';
  *end++ = '\n';
  out_.insert(place, text, static_cast<size_t>(end - text));
}

}  // namespace cloakroom
