#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "store/image/image_encoder.h"
#include "store/image/image_format.h"
#include "store/table/keyspace.h"
#include "store/table/keyspace_capture.h"

namespace cloakroom {

/// The image of a keyspace as of the moment when this was made, as bytes, while the keyspace goes
/// on: the header, blocks, the end. Opens no file and no socket.
///
/// It costs the server what Step does, and the first change of each key that Step has not come to;
/// what those were goes to the output at once.
class ImageScan {
 public:
  struct Options {
    int zstd_level = kZstdLevel;  // 0: not packed
  };

  /// Begins the image of `keys` between two records. `header` names the newest one, and a time at
  /// or after it and every Sweep's. One at a time a keyspace, which must outlive it. Cheap.
  ImageScan(Keyspace& keys, const ImageHeader& header, const Options& options)
      : encoder_(header, options.zstd_level), capture_(keys, header.time_ms, encoder_) {}

  /// Goes on for about `units` entries, elements or KiB of large strings; about 1 us each. True:
  /// all is in the output, with the end.
  bool Step(size_t units) {
    if (!done_ && capture_.Step(units)) {
      done_ = true;
      encoder_.Finish();
    }
    return done_;
  }

  /// Takes the bytes that are finished.
  [[nodiscard]] std::string Take() { return encoder_.Take(); }
  /// How many they are: whoever steps waits while the disk is slow. Changes add to them all the
  /// same.
  [[nodiscard]] size_t pending_bytes() const { return encoder_.pending_bytes(); }
  /// About what all of it takes.
  [[nodiscard]] size_t memory_bytes() const {
    return encoder_.memory_bytes() + capture_.memory_bytes();
  }
  /// Sessions, tombstones, marks and keys so far.
  [[nodiscard]] uint64_t entries() const { return encoder_.entries(); }
  /// How many they will be at most: what is dead and not yet freed counts too.
  [[nodiscard]] uint64_t entries_expected() const { return capture_.expected(); }

 private:
  ImageEncoder encoder_;
  KeyspaceCapture capture_;
  bool done_ = false;
};

}  // namespace cloakroom
