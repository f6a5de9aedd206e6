#include "store/table/session_text.h"

#include <bit>
#include <charconv>
#include <cstring>

#include "store/base/check.h"
#include "store/base/coding.h"
#include "store/base/number.h"

namespace cloakroom {
namespace {

// The first code of each form; those of one form lie together.
constexpr uint8_t kWordCode = 64;
constexpr uint8_t kHexCode = 128;
constexpr uint8_t kLineCode = 160;
constexpr uint8_t kIntegerCode = 200;
constexpr uint8_t kNegativeCode = 209;
constexpr uint8_t kUuidCode = 218;
constexpr uint8_t kLongWordCode = 219;
constexpr uint8_t kLongLineCode = 220;
constexpr uint8_t kLongHexCode = 221;
constexpr uint8_t kLongCode = 255;

// Shorter ones gain nothing.
constexpr uint32_t kPackedCharsMin = 4;
constexpr size_t kPackedCharsMax = std::tuple_size_v<SessionText>;
constexpr size_t kUuidBytes = 16;
constexpr size_t kUuidChars = 36;
constexpr size_t kIntegerCharsMax = 20;

constexpr uint8_t kNone = 255;  // a character that is not of an alphabet

/// The characters of a form by their bits, and back.
template <size_t kSize>
struct Alphabet {
  char chars[kSize];
  std::array<uint8_t, 256> bits;

  constexpr explicit Alphabet(const char (&text)[kSize + 1]) : chars(), bits() {
    bits.fill(kNone);
    for (size_t i = 0; i < kSize; ++i) {
      chars[i] = text[i];
      bits[static_cast<uint8_t>(text[i])] = static_cast<uint8_t>(i);
    }
  }
  [[nodiscard]] uint8_t BitsOf(char c) const { return bits[static_cast<uint8_t>(c)]; }
  [[nodiscard]] bool Has(std::string_view text) const {
    for (const char c : text)
      if (BitsOf(c) == kNone) return false;
    return true;
  }
};
constexpr Alphabet<64> kWord("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
constexpr Alphabet<64> kLine("abcdefghijklmnopqrstuvwxyz0123456789 .,:;@/-_+=%&?!*'\"()[]{}<>|#");
constexpr Alphabet<16> kHex("0123456789abcdef");

constexpr std::array<std::array<char, 2>, 256> MakeDigitPairs() {
  std::array<std::array<char, 2>, 256> pairs{};
  for (size_t i = 0; i < pairs.size(); ++i) pairs[i] = {kHex.chars[i / 16], kHex.chars[i % 16]};
  return pairs;
}
constexpr std::array<std::array<char, 2>, 256> kDigitPairs = MakeDigitPairs();

char* PutDigits(char* out, const char* bytes, size_t count) {
  for (size_t i = 0; i < count; ++i, out += 2)
    std::memcpy(out, kDigitPairs[static_cast<uint8_t>(bytes[i])].data(), 2);
  return out;
}

char ByteOf(const char* digits) {
  return static_cast<char>(kHex.BitsOf(digits[0]) << 4 | kHex.BitsOf(digits[1]));
}

bool IsDash(size_t at) { return at == 8 || at == 13 || at == 18 || at == 23; }

bool AppendUuid(std::string& out, std::string_view text) {
  for (size_t i = 0; i < kUuidChars; ++i)
    if (IsDash(i) ? text[i] != '-' : kHex.BitsOf(text[i]) == kNone) return false;
  out += static_cast<char>(kUuidCode);
  for (size_t i = 0; i < kUuidChars; i += 2) {
    if (IsDash(i)) ++i;
    out += ByteOf(text.data() + i);
  }
  return true;
}

bool AppendInteger(std::string& out, std::string_view text) {
  int64_t value = 0;
  if (!ParseInteger(text, value)) return false;
  const auto bits = static_cast<uint64_t>(value < 0 ? ~value : value);
  const size_t bytes = (static_cast<size_t>(std::bit_width(bits)) + 7) / 8;
  out += static_cast<char>((value < 0 ? kNegativeCode : kIntegerCode) + bytes);
  out.append(reinterpret_cast<const char*>(&bits), bytes);
  return true;
}

/// `code` and nothing else for a count of `least` up to the code `end`; else `long_code`, count.
void AppendCode(std::string& out, uint8_t code, uint8_t end, uint8_t long_code, size_t least,
                size_t count) {
  if (count - least < size_t{end} - code) {
    out += static_cast<char>(code + (count - least));
  } else {
    out += static_cast<char>(long_code);
    AppendVarint(out, count);
  }
}

void AppendHex(std::string& out, std::string_view text) {
  AppendCode(out, kHexCode, kLineCode, kLongHexCode, 1, text.size() / 2);
  for (size_t i = 0; i < text.size(); i += 2) out += ByteOf(text.data() + i);
}

constexpr size_t SixBitBytes(size_t chars) { return (chars * 6 + 7) / 8; }

/// Four characters in three bytes, the first in the lowest bits.
/// Precondition: at most kPackedCharsMax, all of the alphabet.
void AppendSixBits(std::string& out, std::string_view text, const Alphabet<64>& alphabet) {
  char packed[SixBitBytes(kPackedCharsMax) + 1];  // each group writes a byte more than it has
  char* to = packed;
  const char* at = text.data();
  size_t left = text.size();
  for (; left >= 4; left -= 4, at += 4, to += 3) {
    const uint32_t bits = uint32_t{alphabet.BitsOf(at[0])} | uint32_t{alphabet.BitsOf(at[1])} << 6 |
                          uint32_t{alphabet.BitsOf(at[2])} << 12 |
                          uint32_t{alphabet.BitsOf(at[3])} << 18;
    StoreInt(to, bits);
  }
  uint32_t bits = 0;
  for (size_t k = 0; k < left; ++k) bits |= uint32_t{alphabet.BitsOf(at[k])} << 6 * k;
  std::memcpy(to, &bits, SixBitBytes(left));
  out.append(packed, SixBitBytes(text.size()));
}

std::string_view SixBitText(const char* at, size_t chars, const Alphabet<64>& alphabet,
                            SessionText& buffer) {
  char* out = buffer.data();
  size_t left = chars;
  for (; left >= 4; left -= 4, at += 3, out += 4) {
    const uint32_t bits = LoadInt<uint16_t>(at) | uint32_t{static_cast<uint8_t>(at[2])} << 16;
    out[0] = alphabet.chars[bits & 63];
    out[1] = alphabet.chars[bits >> 6 & 63];
    out[2] = alphabet.chars[bits >> 12 & 63];
    out[3] = alphabet.chars[bits >> 18];
  }
  uint32_t bits = 0;
  std::memcpy(&bits, at, SixBitBytes(left));
  for (; left > 0; --left, bits >>= 6) *out++ = alphabet.chars[bits & 63];
  return {buffer.data(), chars};
}

int64_t IntegerOf(const char* at, size_t bytes, bool negative) {
  uint64_t bits = 0;
  std::memcpy(&bits, at, bytes);
  return static_cast<int64_t>(negative ? ~bits : bits);
}

std::string_view IntegerText(int64_t value, SessionText& buffer) {
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), static_cast<size_t>(end - buffer.data())};
}

std::string_view UuidText(const char* bytes, SessionText& buffer) {
  char* out = buffer.data();
  for (size_t i = 0; i < kUuidBytes; ++i) {
    if (IsDash(static_cast<size_t>(out - buffer.data()))) *out++ = '-';
    out = PutDigits(out, bytes + i, 1);
  }
  return {buffer.data(), kUuidChars};
}

bool Pack(std::string& out, std::string_view text) {
  const size_t size = text.size();
  const bool digit = kHex.BitsOf(text[0]) != kNone;
  // An integer is never longer than its digits in hex, and those are shorter than six bits each.
  if ((digit || text[0] == '-') && size <= kIntegerCharsMax && AppendInteger(out, text))
    return true;
  if (digit && size % 2 == 0 && kHex.Has(text)) {
    AppendHex(out, text);
    return true;
  }
  if (digit && size == kUuidChars && AppendUuid(out, text)) return true;
  if (size < kPackedCharsMin) return false;
  if (kWord.Has(text)) {
    AppendCode(out, kWordCode, kHexCode, kLongWordCode, kPackedCharsMin, size);
    AppendSixBits(out, text, kWord);
    return true;
  }
  if (kLine.Has(text)) {
    AppendCode(out, kLineCode, kIntegerCode, kLongLineCode, kPackedCharsMin, size);
    AppendSixBits(out, text, kLine);
    return true;
  }
  return false;
}

}  // namespace

void AppendText(std::string& out, std::string_view text) {
  if (text.size() > 1 && text.size() <= kPackedCharsMax && Pack(out, text)) return;
  AppendCode(out, 0, kWordCode, kLongCode, 0, text.size());
  out += text;
}

StoredText::StoredText(const char* at) : code_(static_cast<uint8_t>(*at)) {
  const char* const start = at++;
  if (code_ < kWordCode) {
    count_ = data_size_ = code_;
  } else if (code_ < kHexCode) {
    count_ = code_ - kWordCode + kPackedCharsMin;
    data_size_ = static_cast<uint32_t>(SixBitBytes(count_));
  } else if (code_ < kLineCode) {
    count_ = data_size_ = code_ - kHexCode + uint32_t{1};
  } else if (code_ < kIntegerCode) {
    count_ = code_ - kLineCode + kPackedCharsMin;
    data_size_ = static_cast<uint32_t>(SixBitBytes(count_));
  } else if (code_ < kUuidCode) {
    count_ = data_size_ = code_ - (code_ < kNegativeCode ? kIntegerCode : kNegativeCode);
  } else if (code_ == kUuidCode) {
    count_ = data_size_ = kUuidBytes;
  } else if (code_ != kDeletedCode) {
    uint64_t count = 0;
    at = GetVarint(at, at + kVarintBytesMax, &count);
    DCHECK(at != nullptr);
    count_ = static_cast<uint32_t>(count);
    const bool six_bits = code_ == kLongWordCode || code_ == kLongLineCode;
    data_size_ = six_bits ? static_cast<uint32_t>(SixBitBytes(count_)) : count_;
  }
  bytes_ = {start, static_cast<size_t>(at - start) + data_size_};
}

size_t StoredText::CheckedSize(const char* at, const char* end) {
  if (at == end) return 0;
  const auto code = static_cast<uint8_t>(*at);
  const auto left = static_cast<size_t>(end - at);
  if (code <= kUuidCode || code == kDeletedCode) {
    const size_t size = StoredText(at).bytes().size();
    return size <= left ? size : 0;
  }
  if (code > kLongHexCode && code != kLongCode) return 0;
  uint64_t count = 0;
  if (GetVarint(at + 1, end, &count) == nullptr) return 0;
  const uint64_t count_max = code == kLongCode      ? left
                             : code == kLongHexCode ? kPackedCharsMax / 2
                                                    : kPackedCharsMax;
  if (count > count_max) return 0;
  const size_t size = StoredText(at).bytes().size();
  return size <= left ? size : 0;
}

size_t StoredText::TextSize() const {
  if ((code_ >= kHexCode && code_ < kLineCode) || code_ == kLongHexCode) return count_ * size_t{2};
  if (code_ == kUuidCode) return kUuidChars;
  if (code_ < kIntegerCode || code_ >= kUuidCode) return count_;
  SessionText buffer;
  return Text(buffer).size();
}

std::string_view StoredText::Text(SessionText& buffer) const {
  if (code_ < kWordCode) return {data(), count_};
  if (code_ < kHexCode) return SixBitText(data(), count_, kWord, buffer);
  if (code_ < kLineCode || code_ == kLongHexCode) {
    PutDigits(buffer.data(), data(), count_);
    return {buffer.data(), count_ * size_t{2}};
  }
  if (code_ < kIntegerCode) return SixBitText(data(), count_, kLine, buffer);
  if (code_ < kUuidCode)
    return IntegerText(IntegerOf(data(), count_, code_ >= kNegativeCode), buffer);
  if (code_ == kUuidCode) return UuidText(data(), buffer);
  if (code_ == kLongWordCode) return SixBitText(data(), count_, kWord, buffer);
  if (code_ == kLongLineCode) return SixBitText(data(), count_, kLine, buffer);
  if (code_ == kDeletedCode) return {};
  return {data(), count_};
}

}  // namespace cloakroom
