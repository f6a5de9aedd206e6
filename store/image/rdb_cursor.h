#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "store/base/coding.h"
#include "store/base/result.h"

namespace cloakroom {

/// Reads the numbers and strings of RDB from the bytes that are there so far. The first read that
/// does not succeed settles the state, and each read after it gives zero or empty: read a whole
/// unit, then ask once. Nothing is allocated for bytes that are not there.
class RdbCursor {
 public:
  /// `offset`: where `bytes` begin in the file, for messages.
  RdbCursor(std::string_view bytes, uint64_t offset) : bytes_(bytes), offset_(offset) {}

  enum class State : uint8_t {
    kOk,
    kShort,  // more bytes are needed: start over when `needed()` are there
    kBad,    // no bytes that may follow make sense of it
  };
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool ok() const { return state_ == State::kOk; }
  [[nodiscard]] size_t used() const { return at_; }
  [[nodiscard]] uint64_t offset() const { return offset_ + at_; }
  /// kShort: how many bytes, from the first on, the unit takes at least.
  [[nodiscard]] uint64_t needed() const { return needed_; }
  /// kBad: where, and what was expected.
  [[nodiscard]] const Error& error() const { return error_; }

  [[nodiscard]] uint8_t Byte() { return Int<uint8_t>(); }
  /// A fixed-size integer, little-endian.
  template <typename T>
  [[nodiscard]] T Int() {
    const std::string_view bytes = Bytes(sizeof(T));
    return bytes.size() == sizeof(T) ? LoadInt<T>(bytes.data()) : T{};
  }
  [[nodiscard]] std::string_view Bytes(uint64_t size);
  void Skip(uint64_t size) { static_cast<void>(Bytes(size)); }

  ///   00nnnnnn                  0 .. 63
  ///   01nnnnnn nnnnnnnn         the same with 14 bits, high ones first
  ///   10000000 and 4 bytes      big-endian
  ///   10000001 and 8 bytes      big-endian
  [[nodiscard]] uint64_t Length();
  void SkipLength() { static_cast<void>(Length()); }

  /// A string. The view points into the bytes, or into `decoded` when it did not stand there as it
  /// is.
  [[nodiscard]] std::string_view String(std::string& decoded);
  /// The same without decoding it.
  void SkipString();

  /// What was just read makes no sense: "offset 17: expected ...".
  void Fail(uint64_t offset, std::string_view expected);

 private:
  struct Head {
    bool special = false;  // `value` is one of kRdbInt8 .. kRdbLzf, or unknown
    uint64_t value = 0;
  };
  Head ReadHead();
  std::string_view Special(uint64_t encoding, uint64_t start, std::string* decoded);
  std::string_view Lzf(uint64_t start, std::string* decoded);

  std::string_view bytes_;
  const uint64_t offset_;
  size_t at_ = 0;
  State state_ = State::kOk;
  uint64_t needed_ = 0;
  Error error_{Code::kInvalid, {}};
};

}  // namespace cloakroom
