#include "store/table/session_text.h"

#include <bit>
#include <charconv>
#include <cstring>

#include "store/base/check.h"
#include "store/base/coding.h"
#include "store/base/number.h"

namespace cloakroom {
namespace {

constexpr uint8_t kHexCode = 128;
constexpr uint8_t kIntegerCode = 192;
constexpr uint8_t kNegativeCode = 201;
constexpr uint8_t kUuidCode = 210;
constexpr uint8_t kLongCode = 255;
constexpr size_t kHexBytesMax = kIntegerCode - kHexCode;
constexpr size_t kPlainMax = kHexCode - 1;
constexpr size_t kUuidBytes = 16;
constexpr size_t kUuidChars = 36;
constexpr size_t kIntegerCharsMax = 20;

constexpr char kDigits[] = "0123456789abcdef";

/// Values of digits; kNoDigit for all that is none.
constexpr uint8_t kNoDigit = 255;
constexpr std::array<uint8_t, 256> MakeDigitValues() {
  std::array<uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (uint8_t i = 0; i < 16; ++i) values[static_cast<uint8_t>(kDigits[i])] = i;
  return values;
}
constexpr std::array<uint8_t, 256> kDigitValues = MakeDigitValues();

constexpr std::array<std::array<char, 2>, 256> MakeDigitPairs() {
  std::array<std::array<char, 2>, 256> pairs{};
  for (size_t i = 0; i < pairs.size(); ++i) pairs[i] = {kDigits[i / 16], kDigits[i % 16]};
  return pairs;
}
constexpr std::array<std::array<char, 2>, 256> kDigitPairs = MakeDigitPairs();

/// The byte of the two digits at `at`, or nothing (-1).
int ByteOf(const char* at) {
  const uint8_t high = kDigitValues[static_cast<uint8_t>(at[0])];
  const uint8_t low = kDigitValues[static_cast<uint8_t>(at[1])];
  return (high | low) > 15 ? -1 : high << 4 | low;
}

char* PutDigits(char* out, const char* bytes, size_t count) {
  for (size_t i = 0; i < count; ++i, out += 2)
    std::memcpy(out, kDigitPairs[static_cast<uint8_t>(bytes[i])].data(), 2);
  return out;
}

bool IsDash(size_t at) { return at == 8 || at == 13 || at == 18 || at == 23; }

bool AppendUuid(std::string& out, std::string_view text) {
  char bytes[kUuidBytes];
  size_t count = 0;
  for (size_t i = 0; i < kUuidChars;) {
    if (IsDash(i)) {
      if (text[i++] != '-') return false;
      continue;
    }
    const int byte = ByteOf(text.data() + i);
    if (byte < 0) return false;
    bytes[count++] = static_cast<char>(byte);
    i += 2;
  }
  out += static_cast<char>(kUuidCode);
  out.append(bytes, kUuidBytes);
  return true;
}

/// Bytes of `value` without leading zeros.
size_t IntegerBytes(uint64_t value) { return (static_cast<size_t>(std::bit_width(value)) + 7) / 8; }

bool AppendInteger(std::string& out, std::string_view text) {
  int64_t value = 0;
  if (!ParseInteger(text, value)) return false;
  const auto bits = static_cast<uint64_t>(value < 0 ? ~value : value);
  const size_t bytes = IntegerBytes(bits);
  out += static_cast<char>((value < 0 ? kNegativeCode : kIntegerCode) + bytes);
  out.append(reinterpret_cast<const char*>(&bits), bytes);
  return true;
}

bool AppendHex(std::string& out, std::string_view text) {
  char bytes[kHexBytesMax];
  for (size_t i = 0; i < text.size(); i += 2) {
    const int byte = ByteOf(text.data() + i);
    if (byte < 0) return false;
    bytes[i / 2] = static_cast<char>(byte);
  }
  out += static_cast<char>(kHexCode - 1 + text.size() / 2);
  out.append(bytes, text.size() / 2);
  return true;
}

std::string_view IntegerText(const char* at, size_t bytes, bool negative, SessionText& buffer) {
  uint64_t bits = 0;
  std::memcpy(&bits, at, bytes);
  const auto value = static_cast<int64_t>(negative ? ~bits : bits);
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

/// How many bytes follow a code, when the code says so.
size_t BytesAfter(uint8_t code) {
  if (code < kHexCode) return code;
  if (code < kIntegerCode) return code - kHexCode + size_t{1};
  if (code < kNegativeCode) return code - kIntegerCode;
  if (code < kUuidCode) return code - kNegativeCode;
  DCHECK(code == kUuidCode || code == kDeletedCode);
  return code == kUuidCode ? kUuidBytes : 0;
}

}  // namespace

void AppendText(std::string& out, std::string_view text) {
  const size_t size = text.size();
  if (size > 1) {
    const bool digits = kDigitValues[static_cast<uint8_t>(text[0])] != kNoDigit;
    // An integer of as many digits is never longer than in hex.
    if ((digits || text[0] == '-') && size <= kIntegerCharsMax && AppendInteger(out, text)) return;
    if (digits && size % 2 == 0 && size <= 2 * kHexBytesMax && AppendHex(out, text)) return;
    if (digits && size == kUuidChars && AppendUuid(out, text)) return;
  }
  if (size <= kPlainMax) {
    out += static_cast<char>(size);
  } else {
    out += static_cast<char>(kLongCode);
    AppendVarint(out, size);
  }
  out += text;
}

void SkipText(const char*& at) {
  const auto code = static_cast<uint8_t>(*at++);
  if (code != kLongCode) {
    at += BytesAfter(code);
    return;
  }
  uint64_t size = 0;
  at = GetVarint(at, at + kVarintBytesMax, &size) + size;
}

StoredText ReadText(const char*& at, SessionText& buffer) {
  const char* const start = at;
  const char* const bytes = start + 1;
  const auto code = static_cast<uint8_t>(*start);
  if (code < kHexCode) {
    at = bytes + code;
    return {{start, code + size_t{1}}, {bytes, code}, false};
  }
  SkipText(at);
  StoredText read;
  read.coded = {start, static_cast<size_t>(at - start)};
  const auto count = static_cast<size_t>(at - bytes);
  if (code < kIntegerCode) {
    PutDigits(buffer.data(), bytes, count);
    read.text = {buffer.data(), 2 * count};
  } else if (code < kUuidCode) {
    read.text = IntegerText(bytes, count, code >= kNegativeCode, buffer);
  } else if (code == kUuidCode) {
    read.text = UuidText(bytes, buffer);
  } else if (code == kDeletedCode) {
    read.deleted = true;
  } else {
    uint64_t size = 0;
    const char* const text = GetVarint(bytes, bytes + kVarintBytesMax, &size);
    read.text = {text, size};
  }
  return read;
}

}  // namespace cloakroom
