#include "redis_compat/server/config_file.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace cloakroom {
namespace {

constexpr mode_t kNewFileMode = 0644;

tl::unexpected<Error> Failed(std::string_view what, const std::string& path) {
  return Fail(Code::kUnavailable, "{} '{}': {}", what, path, std::strerror(errno));
}

Result<std::string> ReadAll(int fd, const std::string& path) {
  std::string text;
  char part[16 * 1024];
  while (true) {
    const ssize_t got = ::read(fd, part, sizeof part);
    if (got == 0) return text;
    if (got > 0)
      text.append(part, static_cast<size_t>(got));
    else if (errno != EINTR)
      return Failed("can't read config file", path);
  }
}

Result<void> WriteAll(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t put = ::write(fd, text.data(), text.size());
    if (put >= 0)
      text.remove_prefix(static_cast<size_t>(put));
    else if (errno != EINTR)
      return Failed("can't write config file", path);
  }
  if (::fsync(fd) != 0) return Failed("can't sync config file", path);
  return {};
}

/// A rename is safe on disk only once its directory is.
void SyncFolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

}  // namespace

Result<std::string> ReadConfigFile(const std::string& path) {
  if (path == "-") return ReadAll(STDIN_FILENO, path);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Failed("can't open config file", path);
  Result<std::string> text = ReadAll(fd, path);
  ::close(fd);
  return text;
}

Result<std::string> ReadIncludedFiles(const std::string& pattern) {
  if (pattern.find_first_of("*?[") == std::string::npos) return ReadConfigFile(pattern);
  glob_t found{};
  std::string text;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    for (size_t i = 0; i < found.gl_pathc; ++i) {
      Result<std::string> part = ReadConfigFile(found.gl_pathv[i]);
      if (!part) {
        ::globfree(&found);
        return part;
      }
      text += *part;
      text += '\n';
    }
  }
  ::globfree(&found);
  return text;
}

Result<void> ReplaceFile(const std::string& path, std::string_view text) {
  struct stat old {};
  const mode_t mode = ::stat(path.c_str(), &old) == 0 ? old.st_mode & 07777 : kNewFileMode;
  std::string temporary = path + ".XXXXXX";
  const int fd = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return Failed("can't create", temporary);
  Result<void> written = WriteAll(fd, text, temporary);
  if (written && ::fchmod(fd, mode) != 0) written = Failed("can't set the mode of", temporary);
  ::close(fd);
  if (written && ::rename(temporary.c_str(), path.c_str()) != 0)
    written = Failed("can't rename over", path);
  if (!written) {
    ::unlink(temporary.c_str());
    return written;
  }
  SyncFolderOf(path);
  return {};
}

}  // namespace cloakroom
