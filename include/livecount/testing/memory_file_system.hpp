// SPDX-License-Identifier: BSL-1.0
//
// MemoryFileSystem: a file system in memory that fails at a chosen call, runs full, and loses power. For BasicFileStore
// and for stores of your own that take the file system as a parameter, as that one does.
//
//     auto disk = std::make_shared<MemoryDisk>();
//     disk->fail_from = 7, disk->fail_until = 8;  // the seventh call ends in an error
//     ... BasicFileStore<MemoryFileSystem>({.path = "/counts", .file_system = MemoryFileSystem(disk)}) ...
//     disk = disk->after_power_cut(MemoryDisk::Kept::random, random);
//
// A power cut leaves what was synced and of all else, sector by sector, what a die says. Names that were made, renamed
// or removed are kept in their order, at least as far as the folder was synced. After a sync that failed, what it should
// have written is never written by a later one, as on Linux. A write that fails has written half.
//
// Threads: one at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../detail/file_system.hpp"

namespace livecount::inline v0_1::testing {

class MemoryDisk {
 public:
  enum class Kept { nothing, everything, random };  // of what was not synced, when the power goes

  /// Which calls do not do what they should, numbered from 1: reading is not counted.
  std::uint64_t fail_from = 0;
  std::uint64_t fail_until = 0;    // those in [fail_from, fail_until) end in an error
  std::uint64_t power_cut_at = 0;  // this one and all later ones
  std::uint64_t calls = 0;
  std::optional<std::uint64_t> room{};  // bytes that can still be written; nothing: as many as you like
  std::function<void(const std::string& call)> before_call = nullptr;  // "write PATH"

  /// What is found when the power is back.
  [[nodiscard]] std::shared_ptr<MemoryDisk> after_power_cut(Kept kept, std::mt19937_64& random) const {
    auto disk = std::make_shared<MemoryDisk>();
    std::size_t changes = synced_changes_;  // of names: in their order
    if (kept == Kept::everything) changes = name_changes_.size();
    if (kept == Kept::random) changes += random() % (name_changes_.size() - synced_changes_ + 1);
    for (std::size_t i = 0; i < changes; ++i) disk->change_name(name_changes_[i]);
    for (auto& [path, node] : disk->names_) {
      node = node->after_power_cut(kept, random);
      disk->name_changes_.push_back({"", path, node});
    }
    disk->name_changes_.erase(disk->name_changes_.begin(),
                              disk->name_changes_.begin() + static_cast<std::ptrdiff_t>(changes));
    disk->synced_changes_ = disk->name_changes_.size();
    return disk;
  }

  /// What is found when the process that used it is gone: everything, and what was not synced may still be lost.
  [[nodiscard]] std::shared_ptr<MemoryDisk> after_kill() const {
    auto disk = std::make_shared<MemoryDisk>();
    std::map<const Node*, std::shared_ptr<Node>> copies;
    const auto copy = [&](const std::shared_ptr<Node>& node) {
      std::shared_ptr<Node>& made = copies[node.get()];
      if (node && !made) {
        made = std::make_shared<Node>(*node);
        made->locked = false;
      }
      return made;
    };
    for (const auto& [path, node] : names_) disk->names_[path] = copy(node);
    for (const NameChange& change : name_changes_)
      disk->name_changes_.push_back({change.from, change.to, copy(change.node)});
    disk->synced_changes_ = synced_changes_;
    disk->room = room;
    return disk;
  }

  [[nodiscard]] bool exists(const std::string& path) const { return names_.count(path) != 0; }
  [[nodiscard]] bool power_is_cut() const { return power_cut_at != 0 && calls >= power_cut_at; }

 private:
  friend class MemoryFileSystem;

  struct Change {
    enum class State { pending, synced, lost };
    std::uint64_t offset;
    std::string bytes;
    bool truncates;
    State state = State::pending;
  };
  struct Node {
    std::string bytes;  // as the process sees them
    std::vector<Change> changes;
    bool locked = false;

    void write(std::uint64_t offset, std::string_view to_write) {
      apply({offset, std::string(to_write), false}, bytes);
      changes.push_back({offset, std::string(to_write), false});
    }
    static void apply(const Change& change, std::string& to) {
      if (change.truncates) {
        to.resize(change.offset);
      } else {
        to.resize(std::max<std::size_t>(to.size(), change.offset + change.bytes.size()));
        to.replace(change.offset, change.bytes.size(), change.bytes);
      }
    }
    [[nodiscard]] std::shared_ptr<Node> after_power_cut(Kept kept, std::mt19937_64& random) const {
      auto node = std::make_shared<Node>();
      for (const Change& change : changes) {
        if (change.state == Change::State::synced || kept == Kept::everything) {
          apply(change, node->bytes);
        } else if (kept == Kept::random) {
          apply_by_sectors(change, node->bytes, random);
        }
      }
      node->changes.push_back({0, node->bytes, false, Change::State::synced});
      return node;
    }
    static void apply_by_sectors(const Change& change, std::string& to, std::mt19937_64& random) {
      constexpr std::size_t sector = 64;  // small, as the files are
      if (change.truncates) {
        if (random() % 2 == 0) apply(change, to);
        return;
      }
      for (std::size_t at = 0; at < change.bytes.size(); at += sector) {
        std::string bytes = change.bytes.substr(at, sector);
        const std::uint64_t fate = random() % 4;
        if (fate == 0) continue;
        if (fate == 1) std::fill(bytes.begin(), bytes.end(), static_cast<char>(random()));
        apply({change.offset + at, bytes, false}, to);
      }
    }
  };
  struct NameChange {
    std::string from, to;
    std::shared_ptr<Node> node;
  };

  void change_name(const NameChange& change) {
    if (!change.from.empty()) names_.erase(change.from);
    if (!change.to.empty()) names_[change.to] = change.node;
    name_changes_.push_back(change);
  }

  void call(const std::string& what) {
    if (before_call && !power_is_cut()) before_call(what);
    ++calls;
    if (power_is_cut()) throw Error(Errc::store_unavailable, what + ": the power is cut", what);
    if (fail_from <= calls && calls < fail_until) {
      throw Error(Errc::store_unavailable, what + ": an error that a test wants", what);
    }
  }

  std::map<std::string, std::shared_ptr<Node>> names_;
  std::vector<NameChange> name_changes_;
  std::size_t synced_changes_ = 0;
};

class MemoryFileSystem {
 public:
  class File {
   public:
    File(File&& other) noexcept = default;
    File& operator=(File&&) = delete;
    ~File() {
      if (holds_lock_ && node_) node_->locked = false;
    }
    [[nodiscard]] std::uint64_t size() const { return node_->bytes.size(); }
    [[nodiscard]] std::size_t read(std::uint64_t offset, char* to, std::size_t size) const {
      return offset >= node_->bytes.size() ? 0 : node_->bytes.copy(to, size, offset);
    }
    void write(std::uint64_t offset, std::string_view bytes) {
      const bool power = !disk_->power_is_cut();
      try {
        disk_->call("write " + path_);
      } catch (const Error&) {
        if (power) node_->write(offset, bytes.substr(0, bytes.size() / 2));  // short
        throw;
      }
      if (disk_->room && bytes.size() > *disk_->room) {
        node_->write(offset, bytes.substr(0, std::exchange(*disk_->room, 0)));
        throw Error(Errc::store_unavailable, "write " + path_ + ": no space left", path_);
      }
      if (disk_->room) *disk_->room -= bytes.size();
      node_->write(offset, bytes);
    }
    void truncate(std::uint64_t size) {
      disk_->call("truncate " + path_);
      node_->bytes.resize(size);
      node_->changes.push_back({size, "", true});
    }
    void sync() {
      using State = MemoryDisk::Change::State;
      State state = State::lost;
      const auto mark = [&] {
        for (auto& change : node_->changes) {
          if (change.state == State::pending) change.state = state;
        }
      };
      try {
        disk_->call("sync " + path_);
      } catch (const Error&) {
        if (!disk_->power_is_cut()) mark();
        throw;
      }
      state = State::synced;
      mark();
    }
    [[nodiscard]] bool try_lock() {
      if (node_->locked) return false;
      return holds_lock_ = node_->locked = true;
    }
    [[nodiscard]] bool is_at(const std::string& path) const {
      const auto found = disk_->names_.find(path);
      return found != disk_->names_.end() && found->second == node_;
    }

   private:
    friend MemoryFileSystem;
    File(std::shared_ptr<MemoryDisk> disk, std::string path, std::shared_ptr<MemoryDisk::Node> node)
        : disk_(std::move(disk)), path_(std::move(path)), node_(std::move(node)) {}

    std::shared_ptr<MemoryDisk> disk_;
    std::string path_;
    std::shared_ptr<MemoryDisk::Node> node_;
    bool holds_lock_ = false;
  };

  MemoryFileSystem() : MemoryFileSystem(std::make_shared<MemoryDisk>()) {}
  explicit MemoryFileSystem(std::shared_ptr<MemoryDisk> disk) : disk_(std::move(disk)) {}

  [[nodiscard]] File open(const std::string& path, detail::FileAccess access) const {
    using detail::FileAccess;
    const auto found = disk_->names_.find(path);
    const bool exists = found != disk_->names_.end();
    if (!exists && access < FileAccess::make)
      throw Error(Errc::store_unavailable, path + " does not exist", path);
    if (!exists) {
      disk_->call("make " + path);
      disk_->change_name({"", path, std::make_shared<MemoryDisk::Node>()});
    }
    File file(disk_, path, disk_->names_.at(path));
    if (exists && access == FileAccess::make_empty) file.truncate(0);
    return file;
  }
  [[nodiscard]] bool exists(const std::string& path) const { return disk_->exists(path); }
  void rename(const std::string& from, const std::string& to) const {
    disk_->call("rename to " + to);
    disk_->change_name({from, to, disk_->names_.at(from)});
  }
  void remove(const std::string& path) const {
    if (!exists(path)) return;
    disk_->call("remove " + path);
    disk_->change_name({path, "", nullptr});
  }
  void sync_folder_of(const std::string& path) const {
    disk_->call("sync the folder of " + path);
    disk_->synced_changes_ = disk_->name_changes_.size();
  }
  [[nodiscard]] std::string describe_process() const { return "a simulated process"; }
  [[nodiscard]] std::int64_t process() const noexcept { return 1; }

 private:
  std::shared_ptr<MemoryDisk> disk_;
};

}  // namespace livecount::inline v0_1::testing
