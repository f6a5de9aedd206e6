#include "store/image/image_files.h"

#include <algorithm>

namespace cloakroom {
namespace {

constexpr std::string_view kPrefix = "image-";
constexpr std::string_view kSuffix = ".img";
constexpr size_t kDigits = 20;

std::string MarkPath(const std::string& directory) { return directory + "/new-history"; }

}  // namespace

std::string ImageName(uint64_t sequence) {
  return fmt::format("{}{:020}{}", kPrefix, sequence, kSuffix);
}

std::optional<uint64_t> ParseImageName(std::string_view name) {
  if (name.size() != kPrefix.size() + kDigits + kSuffix.size() || !name.starts_with(kPrefix) ||
      !name.ends_with(kSuffix))
    return std::nullopt;
  uint64_t sequence = 0;
  for (const char c : name.substr(kPrefix.size(), kDigits)) {
    const auto digit = static_cast<uint64_t>(c - '0');
    if (c < '0' || c > '9' || sequence > (UINT64_MAX - digit) / 10) return std::nullopt;
    sequence = sequence * 10 + digit;
  }
  return sequence;
}

Result<ImageList> ListImages(Disk& disk, const std::string& directory) {
  ImageList list;
  const Result<std::vector<std::string>> names = disk.ListNow(directory);
  if (!names && names.error().code == Code::kNotFound) return list;
  if (!names) return tl::unexpected(names.error());
  for (const std::string& name : *names) {
    const std::string path = fmt::format("{}/{}", directory, name);
    const std::string_view view = name;
    for (const std::string_view suffix : {kUnfinishedSuffix, kUnfinishedNowSuffix})
      if (view.ends_with(suffix) && ParseImageName(view.substr(0, view.size() - suffix.size())))
        list.unfinished.push_back(path);
    const std::optional<uint64_t> sequence = ParseImageName(name);
    if (!sequence) continue;
    TRY(const DiskFilePtr file, disk.OpenNow(path, Disk::Mode::kRead));
    TRY(const uint64_t bytes, file->SizeNow());
    list.images.push_back({path, *sequence, bytes});
  }
  std::reverse(list.images.begin(), list.images.end());  // names of one length: by number
  return list;
}

Result<void> MarkNewHistory(Disk& disk, const std::string& directory) {
  TRY(const DiskFilePtr file, disk.OpenNow(MarkPath(directory), Disk::Mode::kCreate));
  TRY_VOID(file->SyncNow());
  return disk.SyncDirectoryNow(directory);
}

Result<bool> HasNewHistoryMark(Disk& disk, const std::string& directory) {
  const Result<DiskFilePtr> file = disk.OpenNow(MarkPath(directory), Disk::Mode::kRead);
  if (file) return true;
  if (file.error().code == Code::kNotFound) return false;
  return tl::unexpected(file.error());
}

Result<void> RemoveNewHistoryMark(Disk& disk, const std::string& directory) {
  TRY_VOID(disk.RemoveNow(MarkPath(directory)));
  return disk.SyncDirectoryNow(directory);
}

}  // namespace cloakroom
