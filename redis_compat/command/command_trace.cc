#include "redis_compat/command/command_trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "redis_compat/resp/inline_words.h"

namespace cloakroom {
namespace {

constexpr size_t kSlowLogWordsMax = 32;
constexpr size_t kSlowLogWordBytesMax = 128;

/// The words with the secret ones replaced, when the row has any. Long commands without secrets
/// are not copied: `storage` stays empty and the words are borrowed.
Args WithoutSecrets(const Command& command, Args args, std::vector<std::string>& storage,
                    std::vector<std::string_view>& words) {
  if (command.spec->redact == nullptr) return args;
  storage.assign(args.words().begin(), args.words().end());
  command.spec->redact(storage);
  words.assign(storage.begin(), storage.end());
  return Args(words);
}

}  // namespace

std::string MonitorLine(const ClientState& client, uint32_t db, const Command& command, Args args,
                        TimeMs now) {
  std::vector<std::string> storage;
  std::vector<std::string_view> words;
  const Args shown = WithoutSecrets(command, args, storage, words);
  std::string line = fmt::format("+{}.{:06} [{} ", now / 1000, now % 1000 * 1000, db);
  if (client.unix_socket) {
    // "/path/of.sock:0" is shown as unix:/path/of.sock.
    line += "unix:";
    line += std::string_view(client.address).substr(0, client.address.rfind(':'));
  } else {
    line += client.address;
  }
  line += ']';
  for (const std::string_view word : shown.words()) {
    line += ' ';
    AppendQuoted(line, word);
  }
  line += "\r\n";
  return line;
}

SlowLogEntry MakeSlowLogEntry(const ClientState& client, const Command& command, Args args,
                              TimeMs now, int64_t duration_us) {
  std::vector<std::string> storage;
  std::vector<std::string_view> words;
  const Args shown = WithoutSecrets(command, args, storage, words);
  SlowLogEntry entry;
  entry.unix_seconds = now / 1000;
  entry.duration_us = duration_us;
  entry.client_address = client.address;
  entry.client_name = client.name;
  const size_t kept = std::min(shown.size(), kSlowLogWordsMax);
  entry.words.reserve(kept);
  for (size_t i = 0; i < kept; ++i) {
    const std::string_view word = shown[i];
    if (i + 1 == kSlowLogWordsMax && shown.size() > kept) {
      entry.words.push_back(fmt::format("... ({} more arguments)", shown.size() - kept + 1));
    } else if (word.size() > kSlowLogWordBytesMax) {
      entry.words.push_back(fmt::format("{}... ({} more bytes)",
                                        word.substr(0, kSlowLogWordBytesMax),
                                        word.size() - kSlowLogWordBytesMax));
    } else {
      entry.words.emplace_back(word);
    }
  }
  return entry;
}

}  // namespace cloakroom
