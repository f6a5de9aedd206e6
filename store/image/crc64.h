#pragma once

#include <cstdint>
#include <string_view>

namespace cloakroom {

/// CRC-64 with the polynomial of Jones (0xad93d23594c935a9), reflected, start 0, no final xor: the
/// checksum of Redis's dump files. Goes on from `crc`, so that bytes may come in pieces.
/// Cost: slicing by 8, about 1 byte a cycle.
[[nodiscard]] uint64_t Crc64(uint64_t crc, std::string_view bytes);

}  // namespace cloakroom
