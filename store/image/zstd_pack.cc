#include "store/image/zstd_pack.h"

#include <zstd.h>

#include "store/base/check.h"

namespace cloakroom {

void ZstdPacker::Free::operator()(ZSTD_CCtx_s* context) const { ZSTD_freeCCtx(context); }

ZstdPacker::ZstdPacker(int level) : level_(level), context_(ZSTD_createCCtx()) {
  CHECK(context_ != nullptr);
}

bool ZstdPacker::Pack(std::string_view bytes, std::string& out) {
  out.resize(ZSTD_compressBound(bytes.size()));
  const size_t size =
      ZSTD_compressCCtx(context_.get(), out.data(), out.size(), bytes.data(), bytes.size(), level_);
  CHECK(!ZSTD_isError(size));
  out.resize(size);
  return size < bytes.size();
}

void ZstdUnpacker::Free::operator()(ZSTD_DCtx_s* context) const { ZSTD_freeDCtx(context); }

ZstdUnpacker::ZstdUnpacker() : context_(ZSTD_createDCtx()) { CHECK(context_ != nullptr); }

bool ZstdUnpacker::Unpack(std::string_view bytes, size_t size, std::string& out) {
  out.resize(size);
  return ZSTD_decompressDCtx(context_.get(), out.data(), size, bytes.data(), bytes.size()) == size;
}

}  // namespace cloakroom
