// SPDX-License-Identifier: BSL-1.0
// A place for the files of a FileStore, and the views that others have of them.
#pragma once

#include <livecount/store/file_store.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "support/policies.hpp"

namespace livecount::tests {

inline std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
inline void write_bytes(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

/// A directory with the path of a journal, which need not exist.
struct FilePlace {
  TemporaryDirectory directory;
  std::string path = (directory.path() / "counts.journal").string();
  std::string snapshot = path + ".snapshot";

  [[nodiscard]] FileStore::Options options() const {
    FileStore::Options options;
    options.path = path;
    options.sync = FileSync::never;
    options.compact_bytes = never_compact;
    return options;
  }
  [[nodiscard]] FileStore::Options read_only() const {
    FileStore::Options options = this->options();
    options.read_only = true;
    return options;
  }
  [[nodiscard]] FileStore::Options salvage() const {
    FileStore::Options options = this->options();
    options.on_damage = OnDamage::salvage;
    return options;
  }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory.path()), {}));
  }
};

/// The error that opening a store ends in.
inline Error refusal(const FileStore::Options& options) {
  try {
    const FileStore store(options);
  } catch (const Error& error) {
    return error;
  }
  return {Errc::ok, "opened"};
}

inline bool mentions(const Error& error, std::string_view part) {
  return std::string_view(error.what()).find(part) != std::string_view::npos;
}

}  // namespace livecount::tests
