#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/base/result.h"
#include "store/env/closer.h"

namespace cloakroom {

// Errors of everything here:
//   kNotFound    no such file or directory
//   kNoSpace     the disk is full, or a quota of it
//   kSyncFailed  a sync failed. Nothing is known of what was written since the last good one, and a
//                later sync that succeeds proves nothing either: the owner stops the process.
//   kUnavailable the file system cannot do it
//   kIo          anything else, with the system's words
// Each message names the file.

/// An open file. Operations that are under way at once may take effect in any order; who needs an
/// order waits for the one before it to end. Each `done` is called once, on the loop, never from
/// within the call that began the operation.
class DiskFile {
 public:
  using Done = std::function<void(Result<void> result)>;
  using WriteDone = std::function<void(Result<void> result, std::string bytes)>;
  using ReadDone = std::function<void(Result<std::string> bytes)>;

  enum class Then : uint8_t { kNothing, kSync };

  // While serving.

  /// Hands all of `bytes` to the kernel, to stand at `offset`, and with kSync then syncs the file.
  /// When it fails, a part may have been written. `done` gets the bytes back, for their memory.
  virtual void Write(uint64_t offset, std::string bytes, Then then, WriteDone done) = 0;
  /// `done` gets `size_bytes` from `offset` on, or fewer where the file ends.
  virtual void Read(uint64_t offset, size_t size_bytes, ReadDone done) = 0;
  /// What ended before this began survives a power cut once `done` is told so: bytes and size, not
  /// the file's name.
  virtual void Sync(Done done) = 0;
  /// Reserves space: no write below `end` will meet a full disk. A shorter file then ends at `end`;
  /// the new bytes are zero.
  virtual void Allocate(uint64_t end, Done done) = 0;
  /// Cuts the file, or prolongs it with zeros. What was reserved behind `size_bytes` is given up.
  virtual void Truncate(uint64_t size_bytes, Done done) = 0;

  // Blocking: for start-up and tools.

  /// Fills `space` from `offset` on; returns how much of it, less only where the file ends.
  [[nodiscard]] virtual Result<size_t> ReadNow(uint64_t offset, std::span<char> space) = 0;
  [[nodiscard]] virtual Result<void> WriteNow(uint64_t offset, std::string_view bytes) = 0;
  [[nodiscard]] virtual Result<void> SyncNow() = 0;
  [[nodiscard]] virtual Result<void> TruncateNow(uint64_t size_bytes) = 0;
  [[nodiscard]] virtual Result<uint64_t> SizeNow() = 0;

  /// What is under way is finished, but nothing more is told. The pointer is dead.
  virtual void Close() = 0;

 protected:
  ~DiskFile() = default;
};
using DiskFilePtr = std::unique_ptr<DiskFile, Closer>;

/// The machine's files. Names are durable once the directory has been synced after the operation.
class Disk {
 public:
  using Done = DiskFile::Done;
  using OpenDone = std::function<void(Result<DiskFilePtr> file)>;

  enum class Mode : uint8_t {
    kRead,    // an existing file, not to be written
    kWrite,   // an existing file
    kCreate,  // made, or emptied if it is there; for its owner alone (0600)
  };

  virtual ~Disk() = default;

  // While serving.
  virtual void Open(std::string path, Mode mode, OpenDone done) = 0;
  /// Atomic; what stood at `to` goes.
  virtual void Rename(std::string from, std::string to, Done done) = 0;
  virtual void Remove(std::string path, Done done) = 0;
  virtual void SyncDirectory(std::string directory, Done done) = 0;

  // Blocking: for start-up and tools.
  [[nodiscard]] virtual Result<DiskFilePtr> OpenNow(const std::string& path, Mode mode) = 0;
  [[nodiscard]] virtual Result<void> RenameNow(const std::string& from, const std::string& to) = 0;
  [[nodiscard]] virtual Result<void> RemoveNow(const std::string& path) = 0;
  [[nodiscard]] virtual Result<void> SyncDirectoryNow(const std::string& directory) = 0;
  /// Makes a directory in an existing one. It may be there already.
  [[nodiscard]] virtual Result<void> MakeDirectoryNow(const std::string& directory) = 0;
  /// The names of the files in `directory`, in order, without directories.
  [[nodiscard]] virtual Result<std::vector<std::string>> ListNow(const std::string& directory) = 0;
};

}  // namespace cloakroom
