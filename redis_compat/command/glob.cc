// GlobMatch of args.h. Iterative in the one way that matters: a pattern of many stars costs
// O(pattern * text), where naive recursion would be exponential.

#include <cstddef>
#include <cstdint>

#include "redis_compat/command/args.h"

namespace cloakroom {
namespace {

unsigned char Folded(char c, bool ignore_case) {
  if (ignore_case && c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return static_cast<unsigned char>(c);
}

/// Matches `c` against the set that opens at pattern[p] == '['; moves p behind it. A set that is
/// never closed ends with the pattern, as Redis has it.
bool MatchSet(std::string_view pattern, size_t& p, char c, bool ignore_case) {
  ++p;
  const bool negate = p < pattern.size() && pattern[p] == '^';
  if (negate) ++p;
  bool match = false;
  const unsigned char wanted = Folded(c, ignore_case);
  while (true) {
    if (p + 1 < pattern.size() && pattern[p] == '\\') {
      ++p;
      if (pattern[p] == c) match = true;
    } else if (p < pattern.size() && pattern[p] == ']') {
      ++p;
      break;
    } else if (p >= pattern.size()) {
      break;
    } else if (p + 2 < pattern.size() && pattern[p + 1] == '-') {
      unsigned char low = Folded(pattern[p], ignore_case);
      unsigned char high = Folded(pattern[p + 2], ignore_case);
      if (low > high) std::swap(low, high);
      p += 2;
      if (wanted >= low && wanted <= high) match = true;
    } else if (Folded(pattern[p], ignore_case) == wanted) {
      match = true;
    }
    ++p;
  }
  return match != negate;
}

/// Matches one text character against the pattern element at p (never a star); moves p behind it.
bool MatchOne(std::string_view pattern, size_t& p, char c, bool ignore_case) {
  if (pattern[p] == '?') {
    ++p;
    return true;
  }
  if (pattern[p] == '[') return MatchSet(pattern, p, c, ignore_case);
  if (pattern[p] == '\\' && p + 1 < pattern.size()) ++p;
  return Folded(pattern[p++], ignore_case) == Folded(c, ignore_case);
}

}  // namespace

bool GlobMatch(std::string_view pattern, std::string_view text, bool ignore_case) {
  if (text.empty()) return pattern.empty();  // as Redis: not even * matches nothing at all
  constexpr size_t kNone = SIZE_MAX;
  size_t p = 0;
  size_t t = 0;
  size_t star = kNone;  // behind the last star seen: where to resume
  size_t resume = 0;    // the text that this star has not swallowed yet
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      resume = t;
      continue;
    }
    if (p < pattern.size() && MatchOne(pattern, p, text[t], ignore_case)) {
      ++t;
      continue;
    }
    if (star == kNone) return false;
    p = star;
    t = ++resume;
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace cloakroom
