#include "bench/load/reply_scanner.h"

#include <cstring>

namespace cloakroom::bench {
namespace {

// A line longer than this is no count; a server that sends one is not speaking RESP.
constexpr size_t kLineBytesMax = 64 * 1024;

/// Reads the number that ends at `end`; false when it is none. -1 is null.
bool ReadCount(const char* at, const char* end, int64_t& count) {
  const bool negative = at != end && *at == '-';
  if (negative) ++at;
  if (at == end || end - at > 18) return false;
  count = 0;
  for (; at != end; ++at) {
    if (*at < '0' || *at > '9') return false;
    count = count * 10 + (*at - '0');
  }
  if (negative) count = -count;
  return !negative || count == -1;
}

}  // namespace

ReplyScanner::Found ReplyScanner::Next(std::string_view bytes) {
  if (pending_ == 0) {
    pending_ = 1;
    scanned_ = 0;
    error_length_ = 0;
  }
  while (pending_ > 0) {
    const Found found = ScanElement(bytes);
    if (found != Found::kReply) return found;
  }
  reply_ = bytes.substr(0, scanned_);
  error_ = bytes.substr(error_length_ == 0 ? 0 : error_at_, error_length_);
  return Found::kReply;
}

ReplyScanner::Found ReplyScanner::ScanElement(std::string_view bytes) {
  const char* const begin = bytes.data() + scanned_;
  const size_t left = bytes.size() - scanned_;
  if (left == 0) return Found::kMore;
  const auto* const end = static_cast<const char*>(std::memchr(begin, '\n', left));
  if (end == nullptr) return left > kLineBytesMax ? Found::kBroken : Found::kMore;
  if (end == begin || end[-1] != '\r') return Found::kBroken;
  const char* const line_end = end - 1;
  size_t length = static_cast<size_t>(end + 1 - begin);
  int64_t count = 0;
  switch (*begin) {
    case '+':
    case ':':
    case '_':
    case ',':
    case '#':
    case '(':
      break;
    case '-':
      if (error_length_ == 0) {
        error_at_ = scanned_ + 1;
        error_length_ = length - 3;
      }
      break;
    case '$':
    case '=':
    case '!':
      if (!ReadCount(begin + 1, line_end, count)) return Found::kBroken;
      if (count >= 0) length += static_cast<size_t>(count) + 2;
      if (length > left) return Found::kMore;
      break;
    case '*':
    case '~':
    case '>':
      if (!ReadCount(begin + 1, line_end, count)) return Found::kBroken;
      if (count > 0) pending_ += static_cast<uint64_t>(count);
      break;
    case '%':
      if (!ReadCount(begin + 1, line_end, count)) return Found::kBroken;
      if (count > 0) pending_ += 2 * static_cast<uint64_t>(count);
      break;
    default:
      return Found::kBroken;
  }
  scanned_ += length;
  --pending_;
  return Found::kReply;
}

bool ReplyWords::Next(std::string_view& word) {
  while (!rest_.empty()) {
    const char type = rest_[0];
    const size_t end = rest_.find('\r');
    const std::string_view line = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 2);
    switch (type) {
      case '*':
      case '~':
      case '%':
      case '>':
        continue;
      case '$':
      case '=': {
        int64_t count = 0;
        if (!ReadCount(line.data(), line.data() + line.size(), count) || count < 0) {
          word = {};
          return true;
        }
        word = rest_.substr(0, static_cast<size_t>(count));
        rest_.remove_prefix(static_cast<size_t>(count) + 2);
        return true;
      }
      default:
        word = line;
        return true;
    }
  }
  return false;
}

}  // namespace cloakroom::bench
