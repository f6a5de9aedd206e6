// Dump files for tests/e2e/rdb_test.py, which compares them with what the real redis-server says:
//
//   rdb_tool describe FILE       a line a key: "db kind deadline key word word ...", all but the
//                                numbers in hex; "db other type key" of what was passed over
//   rdb_tool rewrite FILE FILE2  takes a file into a keyspace and writes that out again

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <utility>

#include "store/image/rdb_export.h"
#include "store/image/rdb_import.h"
#include "store/image/rdb_reader.h"
#include "store/image/rdb_writer.h"
#include "tests/support/keyspace_log.h"
#include "tests/support/rdb_file.h"

namespace cloakroom {
namespace {

// Small, so that most units are cut somewhere.
constexpr size_t kPieceBytes = 1000;

std::string Hex(std::string_view bytes) {
  std::string out = "x";
  for (const char byte : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return out;
}

class Describer final : public RdbSink {
 public:
  Result<void> Begin(const RdbKey& key) override {
    constexpr std::string_view kKinds[] = {"string", "hash", "set", "other"};
    std::cout << key.db << ' ' << kKinds[static_cast<int>(key.kind)] << ' ' << key.deadline << ' '
              << Hex(key.key);
    return {};
  }
  Result<void> Part(std::span<const std::string_view> words) override {
    for (const std::string_view word : words) std::cout << ' ' << Hex(word);
    return {};
  }
  Result<void> FieldWithDeadline(std::string_view, std::string_view, TimeMs) override {
    return Fail(Code::kUnavailable, "a field with a deadline");
  }
  Result<void> End() override {
    std::cout << '\n';
    return {};
  }
  Result<void> Other(const RdbKey& key, std::string_view type) override {
    std::cout << key.db << " other " << type << ' ' << Hex(key.key) << '\n';
    return {};
  }
};

class FileOutput final : public RdbOutput {
 public:
  explicit FileOutput(const char* path) : file_(path, std::ios::binary) {}
  Result<void> Write(std::string_view bytes) override {
    file_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    file_.flush();
    return file_ ? Result<void>() : Fail(Code::kUnavailable, "cannot write");
  }

 private:
  std::ofstream file_;
};

Result<void> ReadFile(const char* path, RdbSink& sink) {
  std::ifstream file(path, std::ios::binary);
  RdbReader reader(sink);
  std::string piece(kPieceBytes, '\0');
  while (file.read(piece.data(), static_cast<std::streamsize>(piece.size())) || file.gcount() > 0) {
    TRY(const size_t taken,
        reader.Feed(std::string_view(piece).substr(0, static_cast<size_t>(file.gcount()))));
    static_cast<void>(taken);
  }
  return reader.Finish();
}

Result<void> Rewrite(const char* from, const char* to) {
  KeyspaceLog log;
  log.now = 1;  // nothing has expired
  RdbImport import(log.keys, {.now = log.now}, [&](WriteBatch& batch) -> Result<void> {
    log.batch = std::move(batch);
    batch = WriteBatch{};
    log.Apply();
    return {};
  });
  TRY_VOID(ReadFile(from, import));
  TRY_VOID(import.Finish());
  FileOutput output(to);
  RdbWriter writer(output, {.redis_version = "7.0.15"});
  WriteState(writer, log.keys, log.now);
  return writer.Finish();
}

int Run(int count, char** words) {
  Result<void> done = Fail(Code::kInvalid, "rdb_tool describe FILE | rewrite FILE FILE2");
  Describer describer;
  if (count == 3 && std::string_view(words[1]) == "describe") done = ReadFile(words[2], describer);
  if (count == 4 && std::string_view(words[1]) == "rewrite") done = Rewrite(words[2], words[3]);
  if (!done) std::cerr << done.error().message << '\n';
  return done ? 0 : 1;
}

}  // namespace
}  // namespace cloakroom

int main(int count, char** words) { return cloakroom::Run(count, words); }
