#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cloakroom::bench {

/// Finds where replies end, of RESP2 and RESP3, without building them: a load generator must not be
/// slower than what it measures. One scanner follows one connection.
class ReplyScanner {
 public:
  enum class Found : uint8_t {
    kReply,   // reply() is a whole one
    kMore,    // the bytes end within a reply: call again with the same bytes and more
    kBroken,  // no RESP
  };

  /// Looks for the end of the reply that `bytes` begins with. After kMore, the next call must begin
  /// with the same bytes; what was scanned is not scanned again.
  [[nodiscard]] Found Next(std::string_view bytes);

  /// The reply just found, whole, its last CRLF included. Valid as long as the bytes are.
  [[nodiscard]] std::string_view reply() const { return reply_; }

  /// The text of the first error within the reply, at any depth, without '-' and CRLF; empty: none.
  [[nodiscard]] std::string_view error() const { return error_; }

 private:
  /// Scans one element from scanned_ on; a container adds what it holds to pending_.
  Found ScanElement(std::string_view bytes);

  size_t scanned_ = 0;    // bytes of the current reply that need no second look
  uint64_t pending_ = 0;  // elements of it still to come; 0: between replies
  size_t error_at_ = 0;   // where its first error's text is; length 0: no error
  size_t error_length_ = 0;
  std::string_view reply_;
  std::string_view error_;
};

/// Reads the strings of a reply in order, containers flattened: for the few flows that must know a
/// token or a list of keys. Precondition: `reply` is a whole reply.
class ReplyWords {
 public:
  explicit ReplyWords(std::string_view reply) : rest_(reply) {}

  /// The next string, bulk or simple; false at the end. Numbers come as their digits, null as an
  /// empty string.
  [[nodiscard]] bool Next(std::string_view& word);

 private:
  std::string_view rest_;
};

}  // namespace cloakroom::bench
