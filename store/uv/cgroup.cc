#include "store/uv/cgroup.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string_view>

namespace cloakroom {
namespace {

// Version 1 says "none" by the largest number of pages that fits; nobody has a quarter of that.
constexpr size_t kNoLimit = size_t{1} << 60;

/// The limit in a file; kNoLimit when there is none, or no such file.
size_t ReadLimit(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  size_t bytes = kNoLimit;
  if (!(file >> text)) return kNoLimit;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (error != std::errc{} || end != text.data() + text.size()) return kNoLimit;  // "max"
  return std::min(bytes, kNoLimit);
}

/// The least limit of the group at `path` below `mount` and of those above it. In a container the
/// path may be the host's and not be there: then the mount itself is the container's group.
size_t LeastLimit(const std::string& mount, std::string path, std::string_view file) {
  size_t least = ReadLimit(mount + "/" + std::string(file));
  while (path.starts_with('/') && path.size() > 1) {
    least = std::min(least, ReadLimit(mount + path + "/" + std::string(file)));
    path.resize(path.rfind('/'));
  }
  return least;
}

/// Whether a list such as "cpu,memory" has `wanted`.
bool Lists(std::string_view list, std::string_view wanted) {
  while (!list.empty()) {
    const std::string_view item = list.substr(0, list.find(','));
    if (item == wanted) return true;
    list.remove_prefix(std::min(list.size(), item.size() + 1));
  }
  return false;
}

}  // namespace

size_t CgroupMemoryLimit(const std::string& root) {
  const std::string groups = root + "/sys/fs/cgroup";
  std::ifstream membership(root + "/proc/self/cgroup");
  size_t least = kNoLimit;
  // Lines: number:controllers:path, the controllers being empty for version 2.
  for (std::string line; std::getline(membership, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers.empty())
      least = std::min(least, LeastLimit(groups, path, "memory.max"));
    else if (Lists(controllers, "memory"))
      least = std::min(least, LeastLimit(groups + "/memory", path, "memory.limit_in_bytes"));
  }
  return least == kNoLimit ? 0 : least;
}

}  // namespace cloakroom
