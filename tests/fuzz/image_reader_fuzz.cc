#include <cstddef>
#include <cstdint>
#include <string>

#include "store/base/check.h"
#include "store/base/coding.h"
#include "store/base/crc32c.h"
#include "store/image/image_loader.h"
#include "store/image/image_saver.h"
#include "tests/support/keyspace_dump.h"
#include "tests/support/sim_disk.h"

// The input is a byte of flags, then an image. Flags 1 and 2 mend the checksums of the header and
// of the blocks, which no fuzzer guesses; 4 mends what the end says.
namespace cloakroom {
namespace {

constexpr char kPath[] = "/images/one";

void Mend(std::string& image, unsigned flags) {
  if (image.size() < kImageHeaderBytes) return;
  const std::string_view summed = std::string_view(image).substr(0, kImageHeaderBytes - 4);
  if ((flags & 1) != 0) StoreInt(image.data() + summed.size(), Crc32c(summed));
  if ((flags & 2) == 0) return;
  uint64_t raw_bytes = 0;
  for (size_t at = kImageHeaderBytes; at + kImageBlockBytes <= image.size();) {
    const ImageBlock block = DecodeBlock(std::string_view(image).substr(at));
    const size_t size = kImageBlockBytes + size_t{block.size_bytes};
    if (size > image.size() - at) return;
    if ((flags & 4) != 0 && block.form == BlockForm::kEnd && block.size_bytes == ImageEnd::kBytes)
      StoreInt(image.data() + at + kImageBlockBytes + 8, raw_bytes);
    raw_bytes += block.raw_bytes;
    const std::string_view whole = std::string_view(image).substr(at, size);
    StoreInt(image.data() + at, Crc32c(whole.substr(4), ImageSalt(image)));
    at += size;
  }
}

Result<ImageHeader> Load(Disk& disk, Keyspace& keys) {
  TRY(ImageLoader loader, ImageLoader::Open(disk, kPath));
  while (true) {
    TRY(const bool more, loader.Step(keys, 1000));
    if (!more) return loader.header();
  }
}

}  // namespace
}  // namespace cloakroom

// Whatever the file holds: reading ends; and what it was taken for agrees with itself, can be
// swept, and gives an image that is read as the same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cloakroom;
  if (size < 1) return 0;
  std::string image(reinterpret_cast<const char*>(data) + 1, size - 1);
  Mend(image, data[0]);
  ManualClock clock;
  SimDisk disk(clock, 1);
  CHECK(disk.MakeDirectoryNow("/images").has_value());
  CHECK((*disk.OpenNow(kPath, Disk::Mode::kCreate))->WriteNow(0, image).has_value());
  const Result<ImageInfo> checked = CheckImage(disk, kPath);
  Keyspace keys(16, 7);
  const Result<ImageHeader> header = Load(disk, keys);
  if (!header) return 0;
  CHECK(checked.has_value());
  const TimeMs now = header->time_ms;
  const KeyspaceDump dump = DumpKeyspace(keys, now);
  CHECK(keys.sessions().Inconsistencies().empty());
  size_t lines = 0;
  keys.sessions().Describe(now, [&](std::string_view /*line*/) { ++lines; });

  CHECK(SaveImageNow(disk, keys, *header, kPath).has_value());
  Keyspace again(16, 8);
  CHECK(Load(disk, again).has_value());
  CHECK(DumpKeyspace(again, now) == dump);
  again.sessions().Describe(now, [&](std::string_view /*line*/) { --lines; });
  CHECK(lines == 0);
  for (int i = 0; i < 100; ++i) keys.Sweep(now + (TimeMs{1} << 40), 1000);
  return 0;
}
