#include "redis_compat/resp/inline_words.h"

#include <fmt/format.h>

#include <cstddef>
#include <iterator>
#include <string>
#include <utility>

namespace cloakroom {
namespace {

bool IsBlank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// What ends a word outside quotes. Vertical tab and form feed do not, though they are skipped
// between words: clients rely on neither, and the reference server has it so.
bool EndsWord(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char Unescaped(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    default:
      return c;
  }
}

// Reads one word that has quotes in it, from `at` on; leaves `at` behind the word.
class QuotedWord {
 public:
  QuotedWord(std::string_view line, size_t at) : line_(line), at_(at) {}

  [[nodiscard]] bool Read() {
    while (at_ < line_.size() && !EndsWord(line_[at_])) {
      const char c = line_[at_++];
      if (c == '"') return ReadDouble() && AtBoundary();
      if (c == '\'') return ReadSingle() && AtBoundary();
      word_ += c;
    }
    return true;
  }
  [[nodiscard]] size_t at() const { return at_; }
  [[nodiscard]] std::string Take() { return std::move(word_); }

 private:
  // A closing quote ends the word, and nothing but a blank may follow it.
  [[nodiscard]] bool AtBoundary() const { return at_ == line_.size() || IsBlank(line_[at_]); }

  bool ReadDouble() {
    while (at_ < line_.size()) {
      const char c = line_[at_++];
      if (c == '"') return true;
      if (c != '\\' || at_ == line_.size()) {
        word_ += c;
        continue;
      }
      if (line_[at_] == 'x' && at_ + 2 < line_.size() && HexDigit(line_[at_ + 1]) >= 0 &&
          HexDigit(line_[at_ + 2]) >= 0) {
        word_ += static_cast<char>(HexDigit(line_[at_ + 1]) * 16 + HexDigit(line_[at_ + 2]));
        at_ += 3;
      } else {
        word_ += Unescaped(line_[at_++]);
      }
    }
    return false;
  }

  bool ReadSingle() {
    while (at_ < line_.size()) {
      const char c = line_[at_++];
      if (c == '\'') return true;
      if (c == '\\' && at_ < line_.size() && line_[at_] == '\'')
        word_ += line_[at_++];
      else
        word_ += c;
    }
    return false;
  }

  std::string_view line_;
  size_t at_;
  std::string word_;
};

}  // namespace

bool SplitInline(std::string_view line, RequestWords& words) {
  const size_t before = words.views.size();
  size_t at = 0;
  while (true) {
    while (at < line.size() && IsBlank(line[at])) ++at;
    if (at == line.size()) return true;
    size_t end = at;
    while (end < line.size() && !EndsWord(line[end]) && line[end] != '"' && line[end] != '\'')
      ++end;
    if (end == line.size() || EndsWord(line[end])) {
      words.views.push_back(line.substr(at, end - at));
      at = end;
      continue;
    }
    QuotedWord quoted(line, at);
    if (!quoted.Read()) {
      words.views.resize(before);
      return false;
    }
    at = quoted.at();
    words.views.push_back(words.decoded.emplace_back(quoted.Take()));
  }
}

void AppendQuoted(std::string& out, std::string_view bytes) {
  out += '"';
  for (const char c : bytes) {
    switch (c) {
      case '\\':
      case '"':
        out += '\\';
        out += c;
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\a':
        out += "\\a";
        break;
      case '\b':
        out += "\\b";
        break;
      default:
        if (c >= 0x20 && c < 0x7F)
          out += c;
        else
          fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  out += '"';
}

}  // namespace cloakroom
