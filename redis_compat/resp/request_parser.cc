#include "redis_compat/resp/request_parser.h"

#include <cstring>
#include <utility>

#include "redis_compat/resp/inline_words.h"

namespace cloakroom {
namespace {

constexpr size_t kNotFound = std::string_view::npos;

// The counts that nearly every request has: one to nine digits, no sign, no leading zero, then
// CRLF. Returns where the line ends, or nullptr: then the thorough way must look at it.
const char* ReadPlainCount(const char* p, const char* end, int64_t& value) {
  if (end - p < 3) return nullptr;
  auto digit = static_cast<uint32_t>(*p - '0');
  if (digit > 9) return nullptr;
  if (p[1] == '\r') {
    value = digit;
    return p[2] == '\n' ? p + 3 : nullptr;
  }
  if (digit == 0) return nullptr;
  uint32_t sum = digit;
  const char* const stop = end - p > 11 ? p + 9 : end - 2;
  for (++p; p < stop; ++p) {
    digit = static_cast<uint32_t>(*p - '0');
    if (digit > 9) break;
    sum = sum * 10 + digit;
  }
  if (p + 1 >= end || p[0] != '\r' || p[1] != '\n') return nullptr;
  value = sum;
  return p + 2;
}

// A signed 64-bit integer in its one canonical spelling: no blanks, no plus, no leading zeros.
bool ReadStrictCount(std::string_view text, int64_t& value) {
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  if (text.empty() || text.size() > 19) return false;
  if (text.front() == '0') {
    value = 0;
    return text.size() == 1 && !negative;
  }
  uint64_t sum = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    sum = sum * 10 + static_cast<uint64_t>(c - '0');
  }
  const uint64_t most = (uint64_t{1} << 63) - (negative ? 0 : 1);
  if (sum > most) return false;
  value = static_cast<int64_t>(negative ? ~sum + 1 : sum);
  return true;
}

// Where `what` first stands in input[from, until), unless a NUL stands before it. A NUL hides the
// rest of a line, as in the reference server: such a line only ends by growing too long.
size_t FindInLine(std::string_view input, size_t from, size_t until, char what) {
  if (from >= until) return kNotFound;
  const auto* hit = static_cast<const char*>(std::memchr(input.data() + from, what, until - from));
  if (hit == nullptr) return kNotFound;
  const auto at = static_cast<size_t>(hit - input.data());
  return std::memchr(input.data() + from, '\0', at - from) == nullptr ? at : kNotFound;
}

}  // namespace

/// Where an unfinished request stands. Offsets count from the front of the input, because the
/// input may lie elsewhere when more of it has come.
struct RequestParser::Unfinished {
  struct Word {
    size_t offset;
    size_t size;
  };
  size_t position = 0;      // the first byte that is not understood yet
  size_t scanned = 0;       // line ends were searched up to here
  bool hidden = false;      // a NUL stands in the line: no end will be found
  bool counted = false;     // the array's header was read
  int64_t words_left = 0;   // words still to come, the current one included
  int64_t word_bytes = -1;  // size of the current word, -1 before its header was read
  std::vector<Word> words;
  std::string error;
};

RequestParser::RequestParser() = default;
RequestParser::~RequestParser() = default;

void RequestParser::Reset() { unfinished_.reset(); }

RequestParser::Unfinished& RequestParser::Suspend() {
  if (unfinished_ == nullptr) unfinished_ = std::make_unique<Unfinished>();
  return *unfinished_;
}

RequestParser::Step RequestParser::Broken(std::string message) {
  Suspend().error = "Protocol error: " + std::move(message);
  return {Status::kError, 0};
}

const std::string& RequestParser::error() const {
  static const std::string kNone;
  return unfinished_ != nullptr ? unfinished_->error : kNone;
}

size_t RequestParser::BytesNeeded() const {
  if (unfinished_ == nullptr || unfinished_->word_bytes < 0) return 0;
  return unfinished_->position + static_cast<size_t>(unfinished_->word_bytes) + 2;
}

RequestParser::Step RequestParser::Next(std::string_view input, const RequestLimits& limits,
                                        RequestWords& words) {
  size_t consumed = 0;  // by empty requests, which are skipped
  while (true) {
    if (consumed == input.size()) return {Status::kNeedMore, consumed};
    const std::string_view rest = input.substr(consumed);
    const size_t before = words.views.size();
    const Step step = rest[0] == '*' ? NextArray(rest, limits, words) : NextInline(rest, words);
    consumed += step.consumed;
    if (step.status != Status::kRequest || words.views.size() > before)
      return {step.status, consumed};
  }
}

RequestParser::Step RequestParser::NextInline(std::string_view input, RequestWords& words) {
  const size_t seen = unfinished_ != nullptr ? unfinished_->scanned : 0;
  const bool hidden = unfinished_ != nullptr && unfinished_->hidden;
  const size_t until = input.size() <= kLineBytesMax ? input.size() : kLineBytesMax + 1;
  const size_t feed = hidden ? kNotFound : FindInLine(input, seen, until, '\n');
  if (feed == kNotFound) {
    if (input.size() > kLineBytesMax) return Broken("too big inline request");
    Unfinished& at = Suspend();
    at.hidden = hidden || (until > seen && std::memchr(input.data() + seen, 0, until - seen));
    at.scanned = until;
    return {Status::kNeedMore, 0};
  }
  size_t size = feed;
  if (size > 0 && input[size - 1] == '\r') --size;
  if (!SplitInline(input.substr(0, size), words)) return Broken("unbalanced quotes in request");
  unfinished_.reset();
  return {Status::kRequest, feed + 1};
}

RequestParser::Step RequestParser::NextArray(std::string_view input, const RequestLimits& limits,
                                             RequestWords& words) {
  if (unfinished_ != nullptr) return Resume(input, limits, words);

  // The straight way: a whole request in the plain form goes into `words` at once. Whatever is
  // unusual or missing is left to Resume, which starts where this one stopped.
  const char* const begin = input.data();
  const char* const end = begin + input.size();
  int64_t count = 0;
  const char* p = ReadPlainCount(begin + 1, end, count);
  if (p == nullptr || (limits.unauthenticated && count > kUnauthenticatedWordsMax))
    return Resume(input, limits, words);
  const size_t before = words.views.size();
  const int64_t bytes_max =
      limits.unauthenticated ? kUnauthenticatedWordBytesMax : limits.word_bytes_max;
  int64_t left = count;
  for (; left > 0; --left) {
    int64_t size = 0;
    const char* word = nullptr;
    if (p < end && *p == '$') word = ReadPlainCount(p + 1, end, size);
    if (word == nullptr || size > bytes_max || end - word < size + 2) break;
    words.views.emplace_back(word, static_cast<size_t>(size));
    p = word + size + 2;
  }
  if (left == 0) return {Status::kRequest, static_cast<size_t>(p - begin)};

  Unfinished& at = Suspend();
  at.counted = true;
  at.words_left = left;
  at.position = static_cast<size_t>(p - begin);
  for (size_t i = before; i < words.views.size(); ++i)
    at.words.push_back({static_cast<size_t>(words.views[i].data() - begin), words.views[i].size()});
  words.views.resize(before);
  return Resume(input, limits, words);
}

RequestParser::Step RequestParser::Resume(std::string_view input, const RequestLimits& limits,
                                          RequestWords& words) {
  Unfinished& at = Suspend();

  // Finds the end of the line at at.position: 1 found, 0 not yet, -1 too long.
  size_t line_end = 0;
  const auto find_line = [&] {
    const size_t from = at.scanned > at.position ? at.scanned : at.position;
    const size_t until = input.size() - at.position <= kLineBytesMax
                             ? input.size()
                             : at.position + kLineBytesMax + 1;
    const size_t hit = at.hidden ? kNotFound : FindInLine(input, from, until, '\r');
    if (hit == kNotFound) {
      if (input.size() - at.position > kLineBytesMax) return -1;
      if (until > from && std::memchr(input.data() + from, 0, until - from) != nullptr)
        at.hidden = true;
      at.scanned = until;
      return 0;
    }
    at.scanned = hit;
    line_end = hit;
    return hit + 2 <= input.size() ? 1 : 0;
  };

  if (!at.counted) {
    const int found = find_line();
    if (found < 0) return Broken("too big mbulk count string");
    if (found == 0) return {Status::kNeedMore, 0};
    int64_t count = 0;
    if (!ReadStrictCount(input.substr(1, line_end - 1), count) || count > kWordsMax)
      return Broken("invalid multibulk length");
    if (limits.unauthenticated && count > kUnauthenticatedWordsMax)
      return Broken("unauthenticated multibulk length");
    at.counted = true;
    at.words_left = count;
    at.position = line_end + 2;
  }

  while (at.words_left > 0) {
    if (at.word_bytes < 0) {
      const int found = find_line();
      if (found < 0) return Broken("too big bulk count string");
      if (found == 0) return {Status::kNeedMore, 0};
      const char kind = input[at.position];
      if (kind != '$')
        return Broken(std::string("expected '$', got '") +
                      (kind == '\r' || kind == '\n' ? ' ' : kind) + "'");
      int64_t size = 0;
      if (!ReadStrictCount(input.substr(at.position + 1, line_end - at.position - 1), size) ||
          size < 0 || size > limits.word_bytes_max)
        return Broken("invalid bulk length");
      if (limits.unauthenticated && size > kUnauthenticatedWordBytesMax)
        return Broken("unauthenticated bulk length");
      at.word_bytes = size;
      at.position = line_end + 2;
    }
    const auto size = static_cast<size_t>(at.word_bytes);
    if (input.size() - at.position < size + 2) return {Status::kNeedMore, 0};
    at.words.push_back({at.position, size});
    at.position += size + 2;
    at.word_bytes = -1;
    --at.words_left;
  }

  words.views.reserve(words.views.size() + at.words.size());
  for (const Unfinished::Word& word : at.words)
    words.views.push_back(input.substr(word.offset, word.size));
  const size_t consumed = at.position;
  unfinished_.reset();
  return {Status::kRequest, consumed};
}

}  // namespace cloakroom
