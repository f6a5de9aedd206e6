#pragma once

#include <cstdio>
#include <cstdlib>

namespace cloakroom {

/// Prints the broken invariant and aborts. Never returns.
[[noreturn]] inline void CheckFailed(const char* what, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, what);
  std::fflush(stderr);
  std::abort();
}

}  // namespace cloakroom

/// Stops the process, loudly, when an invariant does not hold. Always compiled in.
#define CHECK(condition)                                     \
  (__builtin_expect(!!(condition), 1) ? static_cast<void>(0) \
                                      : ::cloakroom::CheckFailed(#condition, __FILE__, __LINE__))

/// The same for the hot path: compiled into debug and sanitizer builds only.
#ifdef NDEBUG
#define DCHECK(condition) static_cast<void>(0)
#else
#define DCHECK(condition) CHECK(condition)
#endif
