#pragma once

#include <string>
#include <string_view>

#include "redis_compat/server/settings.h"
#include "store/base/result.h"
#include "store/env/disk.h"

namespace cloakroom {

/// The absolute path of a backup that a client calls `name`: a name alone, or a path of a file in
/// backup-dir. Makes that directory if it is missing, durably; blocks.
///   working_directory  absolute: where the relative paths of `settings` begin
///   errors  kUnavailable  backup-dir is not set, or holds the images or the log of the server
///           kInvalid      it is no such name, one that the server uses itself, or of a file that
///                         is there already
[[nodiscard]] Result<std::string> PrepareBackup(Disk& disk, const Settings& settings,
                                                const std::string& working_directory,
                                                std::string_view name);

}  // namespace cloakroom
