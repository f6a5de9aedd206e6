#include "store/uv/uv_random.h"

#include <sys/random.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "store/base/check.h"

namespace cloakroom {
namespace {

void FillFromKernel(unsigned char* out, size_t size_bytes) {
  while (size_bytes > 0) {
    const ssize_t got = getrandom(out, size_bytes, 0);
    if (got < 0) {
      // Anything but an interruption means that there is no randomness to be had: then no token
      // may be minted.
      CHECK(errno == EINTR);
      continue;
    }
    out += got;
    size_bytes -= static_cast<size_t>(got);
  }
}

}  // namespace

UvRandom::UvRandom() {
  FillFromKernel(reinterpret_cast<unsigned char*>(state_.data()), sizeof state_);
  state_[0] |= 1;  // the state must not be all zero
}

UvRandom::~UvRandom() { explicit_bzero(block_.data(), block_.size()); }

void UvRandom::Fill(void* out, size_t size_bytes) {
  auto* to = static_cast<unsigned char*>(out);
  if (size_bytes >= kBlockBytes) {
    FillFromKernel(to, size_bytes);
    return;
  }
  while (size_bytes > 0) {
    if (used_ == kBlockBytes) {
      FillFromKernel(block_.data(), kBlockBytes);
      used_ = 0;
    }
    const size_t part = std::min(size_bytes, kBlockBytes - used_);
    std::memcpy(to, block_.data() + used_, part);
    explicit_bzero(block_.data() + used_, part);
    used_ += part;
    to += part;
    size_bytes -= part;
  }
}

uint64_t UvRandom::Draw() {
  const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const uint64_t carried = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= carried;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

}  // namespace cloakroom
