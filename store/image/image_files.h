#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/base/result.h"
#include "store/env/disk.h"

namespace cloakroom {

/// "image-00000000000000000042.img" for the image of record 42.
[[nodiscard]] std::string ImageName(uint64_t sequence);
/// The other way; nothing for a file that is no image.
[[nodiscard]] std::optional<uint64_t> ParseImageName(std::string_view name);

/// What an image's file is called until it is whole.
inline constexpr std::string_view kUnfinishedSuffix = ".tmp";
/// The same of one that is saved at once, maybe while another of the same record is given up.
inline constexpr std::string_view kUnfinishedNowSuffix = ".now.tmp";

struct ImageFile {
  std::string path;
  uint64_t sequence = 0;
  uint64_t bytes = 0;
};

struct ImageList {
  std::vector<ImageFile> images;        // newest first
  std::vector<std::string> unfinished;  // left over by a process that ended: for a start to remove
};
/// The images in `directory`, by their names; none when there is no such directory. What is in them
/// is not looked at.
[[nodiscard]] Result<ImageList> ListImages(Disk& disk, const std::string& directory);

// A mark in the directory: the state that it holds goes on as a history of its own, for what came
// behind it was given up, and may be known elsewhere. It stands until an image says so.

/// Sets the mark, durably.
[[nodiscard]] Result<void> MarkNewHistory(Disk& disk, const std::string& directory);
[[nodiscard]] Result<bool> HasNewHistoryMark(Disk& disk, const std::string& directory);
[[nodiscard]] Result<void> RemoveNewHistoryMark(Disk& disk, const std::string& directory);

}  // namespace cloakroom
