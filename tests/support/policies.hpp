// SPDX-License-Identifier: BSL-1.0
// The policies that suites run on, places for their stores, and a clock that is set by hand.
#pragma once

#include <livecount/sqlite.hpp>

#include <atomic>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <stdlib.h>  // mkdtemp
#include <unistd.h>

#include "support/times.hpp"

namespace livecount::tests {

/// A SqliteStore with a log, which is folded often.
class LoggedSqliteStore : public SqliteStore {
 public:
  using SqliteStore::SqliteStore;
};

// For TEMPLATE_LIST_TEST_CASE.
using Caches = std::tuple<LockFreeCache, LruCache, NullCache>;
using Stores = std::tuple<MemoryStore, FileStore, SqliteStore>;
using Queues = std::tuple<InlineQueue, ManualQueue, JthreadQueue>;

/// What a policy is called in a test's output.
template <class Policy>
inline constexpr std::string_view name_of_policy = "custom";
template <>
inline constexpr std::string_view name_of_policy<LockFreeCache> = "LockFreeCache";
template <>
inline constexpr std::string_view name_of_policy<LruCache> = "LruCache";
template <>
inline constexpr std::string_view name_of_policy<NullCache> = "NullCache";
template <>
inline constexpr std::string_view name_of_policy<MemoryStore> = "MemoryStore";
template <>
inline constexpr std::string_view name_of_policy<SqliteStore> = "SqliteStore";
template <>
inline constexpr std::string_view name_of_policy<LoggedSqliteStore> = "SqliteStore with a log";
template <>
inline constexpr std::string_view name_of_policy<FileStore> = "FileStore";
template <>
inline constexpr std::string_view name_of_policy<InlineQueue> = "InlineQueue";
template <>
inline constexpr std::string_view name_of_policy<ManualQueue> = "ManualQueue";
template <>
inline constexpr std::string_view name_of_policy<JthreadQueue> = "JthreadQueue";

/// "LruCache, SqliteStore, InlineQueue"
template <class... Policies>
std::string names_of_policies() {
  std::string names;
  ((names += (names.empty() ? "" : ", ") + std::string(name_of_policy<Policies>)), ...);
  return names;
}

/// Calls f(std::type_identity<Type>{}) for each type of a list.
template <class... Types, class F>
void for_each_type(std::type_identity<std::tuple<Types...>>, F f) {
  (f(std::type_identity<Types>{}), ...);
}

/// Calls f with std::type_identity of a cache, a store and a queue, for each combination of them.
template <class F>
void for_each_combination(F f) {
  for_each_type(std::type_identity<Stores>{}, [&](auto store) {
    for_each_type(std::type_identity<Queues>{}, [&](auto queue) {
      for_each_type(std::type_identity<Caches>{}, [&](auto cache) { f(cache, store, queue); });
    });
  });
}

/// A directory of its own, removed at the end; in memory where the machine has a file system for that.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    const bool memory = ::access("/dev/shm", W_OK | X_OK) == 0;
    const std::filesystem::path parent = memory ? "/dev/shm" : std::filesystem::temp_directory_path();
    std::string path = (parent / "livecount-XXXXXX").string();
    if (!::mkdtemp(path.data())) throw std::runtime_error("no directory can be made in " + parent.string());
    path_ = path;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

/// Where stores of one kind live. All made with its options have the same data, if they keep it on disk; where it
/// is shared, also at the same time. Goes last.
template <class Store>
class StorePlace {
 public:
  static constexpr bool on_disk = false;
  static constexpr bool shared = false;
  [[nodiscard]] typename Store::Options options() const { return {}; }
};

template <>
class StorePlace<SqliteStore> {
 public:
  static constexpr bool on_disk = true;
  static constexpr bool shared = true;
  [[nodiscard]] SqliteStore::Options options() const {
    SqliteStore::Options options;
    options.path = (directory_.path() / "counts.db").string();
    options.synchronous = Synchronous::off;
    return options;
  }

 private:
  TemporaryDirectory directory_;
};

template <>
class StorePlace<LoggedSqliteStore> : public StorePlace<SqliteStore> {
 public:
  [[nodiscard]] SqliteStore::Options options() const {
    SqliteStore::Options options = StorePlace<SqliteStore>::options();
    options.log_rows = 5;
    return options;
  }
};

template <>
class StorePlace<FileStore> {
 public:
  static constexpr bool on_disk = true;
  static constexpr bool shared = false;
  [[nodiscard]] FileStore::Options options() const {
    FileStore::Options options;
    options.path = (directory_.path() / "counts.journal").string();
    options.sync = FileSync::never;
    return options;
  }

 private:
  TemporaryDirectory directory_;
};

/// A clock that stands still until it is set. Copies show the same time. Any thread.
struct TestClock {
  std::shared_ptr<std::atomic<Time>> time = std::make_shared<std::atomic<Time>>(Time{});

  [[nodiscard]] Time now() const noexcept { return time->load(); }
  void set(Time to) const noexcept { time->store(to); }
};

/// Nothing happens in it but what a test does.
template <class Store>
using Manual = Counter<LockFreeCache, Store, ManualQueue, TestClock>;

using support::utc;

}  // namespace livecount::tests
