// SPDX-License-Identifier: BSL-1.0
// A place for an SQLite database, and the views that others have of it.
#pragma once

#include <livecount/store/sqlite_store.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "support/policies.hpp"

namespace livecount::tests {

/// A directory with the path of a database, which need not exist.
struct Place {
  TemporaryDirectory directory;
  std::string path = (directory.path() / "counts.db").string();

  [[nodiscard]] SqliteStore::Options options() const {
    SqliteStore::Options options;
    options.path = path;
    options.synchronous = Synchronous::off;
    return options;
  }
  [[nodiscard]] SqliteStore::Options read_only() const {
    SqliteStore::Options options = this->options();
    options.read_only = true;
    return options;
  }
  /// With a log that is folded when it has so many rows.
  [[nodiscard]] SqliteStore::Options logged(std::size_t rows) const {
    SqliteStore::Options options = this->options();
    options.log_rows = rows;
    return options;
  }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory.path()), {}));
  }
  [[nodiscard]] std::string bytes() const {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

/// A connection beside the stores, as another program has one.
struct Connection : detail::SqliteConnection {
  explicit Connection(const std::string& path)
      : SqliteConnection(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, std::chrono::seconds(30)) {}

  /// The rows of an answer, with '|' between columns.
  std::vector<std::string> ask(const std::string& sql) {
    detail::SqliteStatement statement(*this, sql);
    std::vector<std::string> rows;
    while (statement.step()) {
      std::string& row = rows.emplace_back(statement.bytes(0));
      for (int i = 1; i < sqlite3_column_count(sqlite3_next_stmt(get(), nullptr)); ++i) {
        row.append("|").append(statement.bytes(i));
      }
    }
    return rows;
  }
};

/// The error that opening a store ends in.
inline Error refusal(const SqliteStore::Options& options) {
  try {
    const SqliteStore store(options);
  } catch (const Error& error) {
    return error;
  }
  return {Errc::ok, "opened"};
}

inline bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace livecount::tests
