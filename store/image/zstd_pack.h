#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace cloakroom {

/// Packs blocks with zstd, keeping its memory (about 1 MiB) from one to the next.
class ZstdPacker {
 public:
  /// `level` as zstd counts: 1 is fast, below that is faster.
  explicit ZstdPacker(int level);
  /// Packs `bytes` into `out`; false when they do not become smaller.
  [[nodiscard]] bool Pack(std::string_view bytes, std::string& out);

 private:
  struct Free {
    void operator()(ZSTD_CCtx_s* context) const;
  };
  int level_;
  std::unique_ptr<ZSTD_CCtx_s, Free> context_;
};

class ZstdUnpacker {
 public:
  ZstdUnpacker();
  /// Unpacks `bytes`, one frame, into `out`; false when they are none, or not of `size` bytes.
  [[nodiscard]] bool Unpack(std::string_view bytes, size_t size, std::string& out);

 private:
  struct Free {
    void operator()(ZSTD_DCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_DCtx_s, Free> context_;
};

}  // namespace cloakroom
