#include "redis_compat/server/backup_path.h"

#include <filesystem>

#include "store/env/disk_path.h"
#include "store/node/persistence.h"

namespace cloakroom {
namespace {

constexpr size_t kFileNameMax = 200;

/// `path` as it looks from `base`, without "." and ".." and a '/' at its end. Looks at no disk.
std::string Normal(const std::string& base, const std::string& path) {
  std::string normal = (std::filesystem::path(base) / path).lexically_normal().string();
  while (normal.size() > 1 && normal.ends_with('/')) normal.pop_back();
  return normal;
}

/// Whether images and the log would not be alone in `directory`.
bool HoldsData(const Settings& settings, const std::string& working_directory,
               const std::string& directory) {
  const std::string data = Normal(working_directory, settings.persistence.directory);
  return directory == data || directory == Normal(data, settings.persistence.log_name);
}

}  // namespace

// What else a path could say is nobody's business.
Result<std::string> PrepareBackup(Disk& disk, const Settings& settings,
                                  const std::string& working_directory, std::string_view name) {
  if (settings.backup_dir.empty())
    return Fail(Code::kUnavailable, "backup-dir is not set: there is no place for backups");
  const std::string directory = Normal(working_directory, settings.backup_dir);
  if (HoldsData(settings, working_directory, directory))
    return Fail(Code::kUnavailable,
                "backup-dir is {}, where the server keeps its own files: give backups a directory "
                "of their own",
                directory);
  const auto refused = [&](std::string_view why) {
    return Fail(Code::kInvalid, "'{}' cannot be a backup in {}: {}", name.substr(0, kFileNameMax),
                directory, why);
  };
  if (name.find('\0') != name.npos) return refused("it has a zero byte");
  std::string_view file = name;
  if (const size_t slash = name.rfind('/'); slash != name.npos) {
    // In words of the options, too: `dir` may be a link to where we work.
    const std::string parent = Normal("", DirectoryOf(std::string(name)));
    if (parent != directory && parent != Normal("", settings.backup_dir) &&
        parent != Normal(settings.dir, settings.backup_dir))
      return refused("it must be the name of a file there, alone or behind that path");
    file.remove_prefix(slash + 1);
  }
  if (file.empty() || file.starts_with('.') || file.size() > kFileNameMax)
    return refused("a name has 1 to 200 bytes, and no '.' at its beginning");
  if (Persistence::IsOwnName(file)) return refused("the server itself uses such names");
  TRY_VOID(MakeDirectoryDurably(disk, directory));
  std::string path = Normal(directory, std::string(file));
  const Result<DiskFilePtr> found = disk.OpenNow(path, Disk::Mode::kRead);
  if (found) return refused("a file of this name is there already");
  if (found.error().code != Code::kNotFound) return tl::unexpected(found.error());
  return path;
}

}  // namespace cloakroom
