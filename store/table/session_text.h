#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cloakroom {

/// How the value of a field or of meta stands in a session: its first byte says what follows. What
/// sessions are full of (numbers, times, ids and tokens in hex) takes about half its length; text
/// reads back exactly as it was given, so only what has one form is packed.
///
///   0 .. 127     that many bytes, as they are
///   128 .. 191   code - 127 bytes, each two lower-case hex digits
///   192 .. 200   code - 192 bytes of a decimal integer, little-endian, without leading zeros
///   201 .. 209   the same of -1 - n, for a negative n
///   210          16 bytes of a UUID: hex digits in groups of 8-4-4-4-12
///   254          no value: the field was deleted
///   255          size varint, bytes as they are
inline constexpr uint8_t kDeletedCode = 254;

/// Room for the text of a packed value.
using SessionText = std::array<char, 128>;

void AppendText(std::string& out, std::string_view text);

struct StoredText {
  std::string_view coded;  // as it stands there
  std::string_view text;   // lies there, or in the buffer
  bool deleted = false;
};
/// Reads the value at `at`, written by AppendText or a kDeletedCode, and moves past it.
[[nodiscard]] StoredText ReadText(const char*& at, SessionText& buffer);
/// Moves `at` past a value.
void SkipText(const char*& at);

}  // namespace cloakroom
