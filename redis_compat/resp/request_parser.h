#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "redis_compat/resp/limits.h"

namespace cloakroom {

/// The words of one or several requests, in order. Most point into the input that was parsed; a
/// quoted word of an inline request is decoded into `decoded`.
struct RequestWords {
  std::vector<std::string_view> views;
  std::list<std::string> decoded;

  void Clear() {
    views.clear();
    if (!decoded.empty()) decoded.clear();
  }
};

/// Cuts a client's bytes into requests: RESP arrays of bulk strings, and inline requests. Reads no
/// socket and owns no input: it is shown the unconsumed bytes each time, and remembers how far it
/// came in an unfinished request, so that no byte is scanned twice however the input is torn.
/// Between requests it holds nothing but one pointer.
class RequestParser {
 public:
  RequestParser();
  ~RequestParser();

  enum class Status : uint8_t {
    kRequest,   // the words of one request, at least one, were appended
    kNeedMore,  // the input ends within a request
    kError,     // see error(); the client must be cut off
  };

  struct Step {
    Status status;
    size_t consumed;  // bytes to drop from the front of the input before the next call
  };

  /// Parses the next request at the front of `input`. Until a call consumes bytes, the next one
  /// must be given the same bytes again, possibly elsewhere and with more behind them.
  ///   words  gains the request's words; they borrow from `input`
  ///   cost   O(bytes not seen before), and O(words) when the request is complete
  [[nodiscard]] Step Next(std::string_view input, const RequestLimits& limits, RequestWords& words);

  /// How many input bytes the unfinished request needs at the least; 0 when that is not known.
  [[nodiscard]] size_t BytesNeeded() const;

  /// The protocol error, as it is told to the client behind "-ERR ".
  [[nodiscard]] const std::string& error() const;

  /// Forgets the unfinished request: the next call starts at the front of its input.
  void Reset();

 private:
  struct Unfinished;

  Step NextInline(std::string_view input, RequestWords& words);
  Step NextArray(std::string_view input, const RequestLimits& limits, RequestWords& words);
  Step Resume(std::string_view input, const RequestLimits& limits, RequestWords& words);
  Step Broken(std::string message);
  Unfinished& Suspend();

  std::unique_ptr<Unfinished> unfinished_;
};

}  // namespace cloakroom
