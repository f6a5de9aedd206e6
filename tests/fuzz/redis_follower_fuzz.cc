// Any bytes of a primary, torn anywhere, must come to the same: the same is committed and executed,
// and it ends the same way. The first byte says where to tear and what is refused.

#include <cstdint>
#include <string>
#include <string_view>

#include "redis_compat/migrate/redis_follower.h"
#include "store/base/check.h"
#include "store/table/keyspace.h"

namespace cloakroom {
namespace {

/// Writes down what it is asked for.
class Recorder final : public MigrationTarget {
 public:
  [[nodiscard]] bool Ready() const override { return true; }
  [[nodiscard]] const Keyspace& keys() const override { return keys_; }
  void BeginFullSync() override { text += "begin\n"; }
  void Commit(WriteBatch& batch) override {
    text.append("commit ").append(batch.bytes()).append("\n");
    batch.Clear();
  }
  void EndFullSync(const RdbImport::Report& report) override {
    text += "end " + std::to_string(report.keys) + "\n";
  }
  void AbortFullSync(bool retries) override { text += retries ? "abort\n" : "give up\n"; }
  Result<void> Execute(const StreamCommand& command) override {
    text += std::to_string(command.db);
    for (const std::string_view word : command.args.words()) text.append(" ").append(word);
    text += "\n";
    return command.args.Is(0, "LPUSH") ? Fail(Code::kUnavailable, "a list") : Result<void>();
  }
  Result<void> ExecuteTransaction(std::span<const StreamCommand> commands) override {
    text += "multi\n";
    Result<void> done;
    for (const StreamCommand& command : commands)
      if (done) done = Execute(command);
    text += "exec\n";
    return done;
  }
  void Publish(std::string_view channel, std::string_view message) override {
    text.append("publish ").append(channel).append(" ").append(message).append("\n");
  }

  std::string text;

 private:
  Keyspace keys_{4, 1};
};

std::string Follow(std::string_view bytes, size_t piece_bytes, bool refuse) {
  Recorder recorder;
  RedisFollower::Options options;
  options.refuse_others = refuse;
  RedisFollower follower(options, recorder);
  follower.Connected(1);
  std::string unread;
  std::string error;
  for (size_t at = 0; at < bytes.size() && error.empty(); at += piece_bytes) {
    unread.append(bytes.substr(at, piece_bytes));
    for (bool starved = false; !starved && error.empty();) {
      const Result<size_t> used = follower.Feed(unread, 1, starved);
      if (!used) {
        error = used.error().message;
        continue;
      }
      CHECK(*used <= unread.size());
      unread.erase(0, *used);
    }
  }
  const bool stopped = follower.state() == RedisFollower::State::kStopped;
  follower.Disconnected();
  // How much of a dump is read before it is refused, and so is named, hangs on the pieces.
  if (refuse && stopped) return recorder.text.substr(0, recorder.text.find("commit"));
  return recorder.text + error;
}

}  // namespace
}  // namespace cloakroom

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool refuse = (data[0] & 128) != 0;
  const size_t piece_bytes = 1 + (data[0] & 127);
  // A line that is too long is refused as soon as it is seen to be: how soon hangs on the pieces.
  bytes = bytes.substr(0, 8000);
  CHECK(cloakroom::Follow(bytes, piece_bytes, refuse) ==
        cloakroom::Follow(bytes, bytes.size() + 1, refuse));
  return 0;
}
