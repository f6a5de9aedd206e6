#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "store/base/result.h"

namespace cloakroom {

/// Writes one reply, in the client's protocol, onto the end of its output. A handler that fails
/// need not undo what it wrote: the dispatcher cuts the output back and writes the error.
/// The writers return Result<void> so that a handler can end in `return reply.Integer(n)`.
class Reply {
 public:
  Reply(std::string& out, int protocol) : out_(out), protocol_(protocol) {}

  [[nodiscard]] int protocol() const { return protocol_; }
  void set_protocol(int protocol) { protocol_ = protocol; }  // HELLO

  Result<void> Ok();                           // +OK
  Result<void> Simple(std::string_view line);  // +line
  Result<void> Integer(int64_t value);         // :n
  Result<void> Bulk(std::string_view bytes);   // $n
  Result<void> BulkInteger(int64_t value);     // $n with the decimal text
  /// A pair of a map: Bulk(name) and Integer(value), appended at once.
  template <size_t N>
  Result<void> NamedInteger(const char (&name)[N], int64_t value) {
    constexpr size_t kSize = N - 1;
    static_assert(kSize >= 1 && kSize <= 9, "a name of one digit's length");
    char text[kSize + kNamedBytesMax] = {'$', static_cast<char>('0' + kSize), '\r', '\n'};
    char* end = std::copy(name, name + kSize, text + 4);
    *end++ = '\r';
    *end++ = '\n';
    *end++ = ':';
    end = std::to_chars(end, text + sizeof text, value).ptr;
    *end++ = '\r';
    *end++ = '\n';
    out_.append(text, static_cast<size_t>(end - text));
    return {};
  }
  Result<void> Null();                                // $-1, or _ in RESP3
  Result<void> NullArray();                           // *-1, or _ in RESP3
  Result<void> Array(size_t count);                   // header; the elements follow
  Result<void> Map(size_t pairs);                     // %n, or *2n in RESP2
  Result<void> Set(size_t count);                     // ~n, or *n in RESP2
  Result<void> Push(size_t count);                    // >n, or *n in RESP2
  Result<void> Double(double value);                  // ,x, or a bulk string in RESP2
  Result<void> Boolean(bool value);                   // #t, or :1 in RESP2
  Result<void> Verbatim(std::string_view text);       // =n txt:, or a bulk string in RESP2
  Result<void> Error(const cloakroom::Error& error);  // -WORD message

  /// For replies whose count is known only after writing: notes the place of the header, which
  /// SettleArray then inserts (one move of what was written since). Inner ones settle first.
  [[nodiscard]] size_t DeferArray();
  void SettleArray(size_t place, size_t count);

  [[nodiscard]] std::string& out() { return out_; }

 private:
  static constexpr size_t kNamedBytesMax = 7 + 20 + 2;  // what NamedInteger adds to the name

  std::string& out_;
  int protocol_;
};

}  // namespace cloakroom
