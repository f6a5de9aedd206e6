#include "redis_compat/command/reply.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "redis_compat/command/error_reply.h"

namespace cloakroom {
namespace {

constexpr size_t kHeaderBytesMax = 24;  // a type byte, 20 digits, CRLF

// A bulk string up to this size is put together with others.
constexpr size_t kShortBulkBytes = 99;
constexpr size_t kShortBulkBytesMax = kShortBulkBytes + 7;

/// A bulk string of at most kShortBulkBytes at `out`; returns its end.
char* PutShortBulk(char* out, std::string_view bytes) {
  *out++ = '$';
  if (bytes.size() >= 10) *out++ = static_cast<char>('0' + bytes.size() / 10);
  *out++ = static_cast<char>('0' + bytes.size() % 10);
  *out++ = '\r';
  *out++ = '\n';
  out = std::copy(bytes.begin(), bytes.end(), out);
  *out++ = '\r';
  *out++ = '\n';
  return out;
}

}  // namespace

void Reply::Put(std::string_view bytes) {
  // To copy a few hundred bytes once more is cheaper than to append them apart.
  if (bytes.size() > kTextBytes / 2) {
    Flush();
    out_.append(bytes);
    return;
  }
  Wrote(std::copy(bytes.begin(), bytes.end(), Room(bytes.size())));
}

void Reply::Header(char type, int64_t n) {
  char* end = Room(kHeaderBytesMax);
  *end++ = type;
  end = std::to_chars(end, end + kDigitsMax, n).ptr;
  *end++ = '\r';
  *end++ = '\n';
  Wrote(end);
}

Result<void> Reply::Ok() {
  Put("+OK\r\n");
  return {};
}

Result<void> Reply::Simple(std::string_view line) {
  Put("+");
  Put(line);
  Put("\r\n");
  return {};
}

Result<void> Reply::Integer(int64_t value) {
  Header(':', value);
  return {};
}

Result<void> Reply::Bulk(std::string_view bytes) {
  if (bytes.size() <= kShortBulkBytes) [[likely]] {
    Wrote(PutShortBulk(Room(kShortBulkBytesMax), bytes));
    return {};
  }
  Header('$', static_cast<int64_t>(bytes.size()));
  Put(bytes);
  Put("\r\n");
  return {};
}

Result<void> Reply::BulkInteger(int64_t value) {
  char text[kHeaderBytesMax];
  const char* end = std::to_chars(text, text + sizeof text, value).ptr;
  return Bulk({text, static_cast<size_t>(end - text)});
}

Result<void> Reply::Pair(std::string_view name, std::string_view value) {
  if (name.size() <= kShortBulkBytes && value.size() <= kShortBulkBytes) [[likely]] {
    Wrote(PutShortBulk(PutShortBulk(Room(2 * kShortBulkBytesMax), name), value));
    return {};
  }
  TRY_VOID(Bulk(name));
  return Bulk(value);
}

Result<void> Reply::Null() {
  Put(protocol_ == 2 ? "$-1\r\n" : "_\r\n");
  return {};
}

Result<void> Reply::NullArray() {
  Put(protocol_ == 2 ? "*-1\r\n" : "_\r\n");
  return {};
}

Result<void> Reply::Array(size_t count) {
  Header('*', static_cast<int64_t>(count));
  return {};
}

Result<void> Reply::Map(size_t pairs) {
  if (protocol_ == 2)
    Header('*', static_cast<int64_t>(pairs * 2));
  else
    Header('%', static_cast<int64_t>(pairs));
  return {};
}

Result<void> Reply::Set(size_t count) {
  Header(protocol_ == 2 ? '*' : '~', static_cast<int64_t>(count));
  return {};
}

Result<void> Reply::Push(size_t count) {
  Header(protocol_ == 2 ? '*' : '>', static_cast<int64_t>(count));
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
  Put(",");
  Put(digits);
  Put("\r\n");
  return {};
}

Result<void> Reply::Boolean(bool value) {
  if (protocol_ == 2) return Integer(value ? 1 : 0);
  Put(value ? "#t\r\n" : "#f\r\n");
  return {};
}

Result<void> Reply::Verbatim(std::string_view text) {
  if (protocol_ == 2) return Bulk(text);
  Header('=', static_cast<int64_t>(text.size() + 4));
  Put("txt:");
  Put(text);
  Put("\r\n");
  return {};
}

Result<void> Reply::Error(const cloakroom::Error& error) {
  AppendError(out(), error);
  return {};
}

size_t Reply::DeferArray() { return out().size(); }

void Reply::SettleArray(size_t place, size_t count) {
  char text[kHeaderBytesMax];
  text[0] = '*';
  char* end = std::to_chars(text + 1, text + sizeof text, count).ptr;
  *end++ = '\r';
  *end++ = '\n';
  out().insert(place, text, static_cast<size_t>(end - text));
}

}  // namespace cloakroom
