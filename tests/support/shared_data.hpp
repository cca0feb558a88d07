// SPDX-License-Identifier: BSL-1.0
// Finds recorded data that is not part of the repository: the folder with golden/ and data/ that the build
// was told of. Tests that need it say so and pass where there is none.
#pragma once

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"

namespace support {

/// The path of "golden/periods.tsv", say. None if it is absent, which the test's output then mentions.
inline std::optional<std::filesystem::path> shared_file(std::string_view name) {
#ifdef LIVECOUNT_SHARED_DIR
  const std::filesystem::path path = std::filesystem::path(LIVECOUNT_SHARED_DIR) / name;
  if (std::filesystem::exists(path)) return path;
  WARN("skipped: there is no " << path.string());
#else
  WARN("skipped: the build was not told where " << name << " is (LIVECOUNT_SHARED_DIR)");
#endif
  return std::nullopt;
}

/// The lines of a file, ended by LF alone, without their ends.
inline std::vector<std::string> read_lines(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

/// The rows of a table below its header. Fields are separated by TAB and not escaped.
inline std::vector<std::vector<std::string>> read_table(const std::filesystem::path& path) {
  std::vector<std::vector<std::string>> rows;
  for (const std::string& line : read_lines(path)) {
    std::vector<std::string>& fields = rows.emplace_back();
    for (std::size_t from = 0, tab = 0; tab != std::string::npos; from = tab + 1) {
      tab = line.find('\t', from);
      fields.push_back(line.substr(from, tab == std::string::npos ? tab : tab - from));
    }
  }
  if (!rows.empty()) rows.erase(rows.begin());
  return rows;
}

}  // namespace support
