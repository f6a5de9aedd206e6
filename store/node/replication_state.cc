#include "store/node/replication_state.h"

#include <algorithm>
#include <utility>

#include "store/base/coding.h"
#include "store/base/crc32c.h"

namespace cloakroom {
namespace {

// CLOAKREP | format u32 | history of the log's files (16) | lineage | CRC-32C of all before
constexpr std::string_view kMagic = "CLOAKREP";
constexpr uint32_t kFormat = 1;
constexpr uint64_t kBytesMax = 64 << 10;

std::string PathOf(const std::string& directory) { return directory + "/replication.state"; }

}  // namespace

Result<void> SaveReplicationState(Disk& disk, const std::string& directory,
                                  const ReplicationState& state) {
  std::string bytes(kMagic);
  char number[4];
  StoreInt(number, kFormat);
  bytes.append(number, sizeof number);
  bytes.append(state.log.data(), state.log.size());
  state.lineage.AppendTo(bytes);
  StoreInt(number, Crc32c(bytes));
  bytes.append(number, sizeof number);

  const std::string path = PathOf(directory);
  const std::string unfinished = path + ".tmp";
  TRY(DiskFilePtr file, disk.OpenNow(unfinished, Disk::Mode::kCreate));
  TRY_VOID(file->WriteNow(0, bytes));
  TRY_VOID(file->SyncNow());
  file.reset();
  TRY_VOID(disk.RenameNow(unfinished, path));
  return disk.SyncDirectoryNow(directory);
}

Result<std::optional<ReplicationState>> LoadReplicationState(Disk& disk,
                                                             const std::string& directory) {
  const std::string path = PathOf(directory);
  const Result<DiskFilePtr> file = disk.OpenNow(path, Disk::Mode::kRead);
  if (!file && file.error().code == Code::kNotFound) return std::nullopt;
  if (!file) return tl::unexpected(file.error());
  TRY(const uint64_t size, (*file)->SizeNow());
  std::string bytes(std::min(size, kBytesMax), '\0');
  TRY(const size_t got, (*file)->ReadNow(0, bytes));
  bytes.resize(got);
  const size_t body = bytes.size() - std::min<size_t>(bytes.size(), 4);
  ReplicationState state;
  if (body < kMagic.size() + 4 + state.log.size() || !bytes.starts_with(kMagic) ||
      Crc32c(std::string_view(bytes).substr(0, body)) != LoadInt<uint32_t>(bytes.data() + body))
    return Fail(Code::kDamaged,
                "{} is not what was written. Without it a replica begins with a full sync: move it "
                "away",
                path);
  if (LoadInt<uint32_t>(bytes.data() + kMagic.size()) != kFormat)
    return Fail(Code::kUnavailable, "{} was written by a newer build", path);
  const std::string_view rest = std::string_view(bytes).substr(0, body);
  const std::string_view log = rest.substr(kMagic.size() + 4, state.log.size());
  std::copy(log.begin(), log.end(), state.log.begin());
  std::string_view in = rest.substr(kMagic.size() + 4 + state.log.size());
  TRY(state.lineage, Lineage::Decode(in));
  return state;
}

}  // namespace cloakroom
