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
///
/// Small parts are put together here first: most replies are appended at once, by Flush. Until then
/// nobody else may append to the output.
class Reply {
 public:
  Reply(std::string& out, int protocol) : out_(out), protocol_(protocol) {}
  ~Reply() { Flush(); }
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;

  [[nodiscard]] int protocol() const { return protocol_; }
  void set_protocol(int protocol) { protocol_ = protocol; }  // HELLO

  Result<void> Ok();                           // +OK
  Result<void> Simple(std::string_view line);  // +line
  Result<void> Integer(int64_t value);         // :n
  Result<void> Bulk(std::string_view bytes);   // $n
  Result<void> BulkInteger(int64_t value);     // $n with the decimal text
  /// A pair of a map: Bulk(name) and Bulk(value).
  Result<void> Pair(std::string_view name, std::string_view value);
  /// A pair of a map: Bulk(name) and Integer(value).
  template <size_t N>
  Result<void> NamedInteger(const char (&name)[N], int64_t value) {
    constexpr size_t kSize = N - 1;
    static_assert(kSize >= 1 && kSize <= 9, "a name of one digit's length");
    constexpr char kHead[] = {'$', static_cast<char>('0' + kSize), '\r', '\n'};
    char* end = Room(kSize + kNamedBytesMax);
    end = std::copy(kHead, kHead + sizeof kHead, end);
    end = std::copy(name, name + kSize, end);
    *end++ = '\r';
    *end++ = '\n';
    *end++ = ':';
    end = std::to_chars(end, end + kDigitsMax, value).ptr;
    *end++ = '\r';
    *end++ = '\n';
    Wrote(end);
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

  /// Appends what was put together so far.
  void Flush() {
    if (used_ == 0) return;
    out_.append(text_, used_);
    used_ = 0;
  }
  /// The output with all that was written. Good to append to until the next call of a writer.
  [[nodiscard]] std::string& out() {
    Flush();
    return out_;
  }

 private:
  static constexpr size_t kTextBytes = 1024;
  static constexpr size_t kDigitsMax = 20;
  static constexpr size_t kNamedBytesMax =
      7 + kDigitsMax + 2;  // what NamedInteger adds to the name

  /// Where to put at most `bytes`, up to kTextBytes; Wrote() says where they ended.
  [[nodiscard]] char* Room(size_t bytes) {
    if (kTextBytes - used_ < bytes) [[unlikely]]
      Flush();
    return text_ + used_;
  }
  void Wrote(const char* end) { used_ = static_cast<size_t>(end - text_); }
  /// Bytes as they are.
  void Put(std::string_view bytes);
  /// `type` n CRLF.
  void Header(char type, int64_t n);

  std::string& out_;
  int protocol_;
  size_t used_ = 0;
  char text_[kTextBytes];
};

}  // namespace cloakroom
