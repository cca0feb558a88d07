// SPDX-License-Identifier: BSL-1.0
// A temporary folder, removed at the end of its scope.
#pragma once

#include <filesystem>
#include <random>
#include <string>

namespace bench {

class Folder {
 public:
  /// Below the working directory: what is written there reaches a disk, if that is one.
  Folder() : Folder(std::filesystem::current_path()) {}
  /// In memory where the system has a place for that. For what writes outside of the timed spans.
  [[nodiscard]] static Folder in_memory() {
    const std::filesystem::path memory = "/dev/shm";
    return Folder(std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path());
  }
  ~Folder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] std::string path() const { return path_.string(); }
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  explicit Folder(const std::filesystem::path& parent)
      : path_(parent / ("livecount-bench-" + std::to_string(std::random_device()()))) {
    std::filesystem::create_directory(path_);
  }

  std::filesystem::path path_;
};

}  // namespace bench
