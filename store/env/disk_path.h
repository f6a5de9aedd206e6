#pragma once

#include <algorithm>
#include <cstddef>
#include <string>

#include "store/base/result.h"
#include "store/env/disk.h"

namespace cloakroom {

/// The directory that holds `path`: "." for a name alone.
[[nodiscard]] inline std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == path.npos) return ".";
  return path.substr(0, std::max<size_t>(slash, 1));
}

/// Makes `directory` in an existing one, if it is missing; once this returns, a power cut does not
/// take it away again. Its name must not end with '/'. Blocks.
[[nodiscard]] inline Result<void> MakeDirectoryDurably(Disk& disk, const std::string& directory) {
  TRY_VOID(disk.MakeDirectoryNow(directory));
  return disk.SyncDirectoryNow(DirectoryOf(directory));
}

}  // namespace cloakroom
