#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cloakroom {

/// How the value of a field or of meta stands in a session: its first byte says what follows. What
/// sessions are full of takes less room than its text: numbers, times, ids and tokens in hex about
/// half, words and tokens in base64url three quarters. Text reads back exactly as it was given, so
/// only what has one form is packed.
///
///   0 .. 63      that many bytes, as they are
///   64 .. 127    code - 60 characters of letters, digits, - and _, in six bits each
///   128 .. 159   code - 127 bytes, each two lower-case hex digits
///   160 .. 199   code - 156 characters of lower-case text and its marks, in six bits each
///   200 .. 208   code - 200 bytes of a decimal integer, little-endian, without leading zeros
///   209 .. 217   the same of -1 - n, for a negative n
///   218          16 bytes of a UUID: hex digits in groups of 8-4-4-4-12
///   219 .. 221   size varint; then as 64, as 160 or as 128, but more
///   254          no value: the field was deleted
///   255          size varint, bytes as they are
inline constexpr uint8_t kDeletedCode = 254;

/// No value's text is more than so many times as long as its stored form.
inline constexpr size_t kTextPerStoredMax = 3;

/// Room for the text of a packed value; longer ones are not packed.
using SessionText = std::array<char, 256>;

void AppendText(std::string& out, std::string_view text);

/// One value as it stands there. Reads what AppendText wrote, or a kDeletedCode.
class StoredText {
 public:
  /// The value that begins at `at`. O(1).
  explicit StoredText(const char* at);

  /// For bytes from outside: the size, with its code, of the value at `at`; 0 when what stands
  /// before `end` is none. What holds here is safe to read.
  [[nodiscard]] static size_t CheckedSize(const char* at, const char* end);

  [[nodiscard]] bool deleted() const { return code_ == kDeletedCode; }
  /// With its code.
  [[nodiscard]] std::string_view bytes() const { return bytes_; }
  /// How long its text is. O(1).
  [[nodiscard]] size_t TextSize() const;
  /// Its text, which lies there, or in the buffer.
  [[nodiscard]] std::string_view Text(SessionText& buffer) const;

 private:
  [[nodiscard]] const char* data() const { return bytes_.end() - data_size_; }

  uint8_t code_;
  uint32_t count_ = 0;      // of what the code counts
  uint32_t data_size_ = 0;  // behind code and count
  std::string_view bytes_;
};

}  // namespace cloakroom
