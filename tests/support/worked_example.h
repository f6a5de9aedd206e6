#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "store/wal/wal_format.h"

namespace cloakroom {

/// The bytes of a worked example in the page at `path`: lines of an offset, up to sixteen bytes in
/// hex, and what they are.
inline std::string ExampleBytes(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  std::string bytes;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("    0")) continue;
    line.erase(0, 4);
    EXPECT_EQ(std::stoul(line.substr(0, 4), nullptr, 16), bytes.size()) << line;
    std::istringstream rest(line.substr(4, line.find(" |") - 4));
    for (std::string byte; rest >> byte;)
      bytes.push_back(static_cast<char>(std::stoul(byte, nullptr, 16)));
  }
  return bytes;
}

/// The history id that the worked examples have.
inline HistoryId ExampleHistory() {
  HistoryId history{};
  for (size_t i = 0; i < history.size(); ++i) history[i] = static_cast<char>(0xa0 + i);
  return history;
}

}  // namespace cloakroom
