// SPDX-License-Identifier: BSL-1.0
// The stores that are killed and disturbed, by name.
#pragma once

#include <livecount/store/file_store.hpp>
#include <livecount/store/sqlite_store.hpp>

#include <chrono>
#include <concepts>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace livecount::crash {

/// The options of a store by its name: "sqlite", "sqlite-log", "sqlite-normal", "file", "file-interval", "file-never".
template <class Store>
[[nodiscard]] typename Store::Options store_options(const std::string& name, const std::string& path) {
  typename Store::Options options;
  options.path = path;
  if constexpr (std::same_as<Store, SqliteStore>) {
    options.busy_timeout = std::chrono::milliseconds(100);
    if (name == "sqlite-log") options.log_rows = 4;  // folded often
    if (name == "sqlite-normal") options.synchronous = Synchronous::normal;
  } else {
    options.compact_bytes = 1'024;  // often
    options.sync_interval = std::chrono::milliseconds(10);
    if (name == "file-interval") options.sync = FileSync::interval;
    if (name == "file-never") options.sync = FileSync::never;
  }
  return options;
}

/// Whether what was acknowledged survives a power cut.
[[nodiscard]] inline bool syncs_each_batch(const std::string& name) {
  return name == "sqlite" || name == "sqlite-log" || name == "file";
}

/// f(std::type_identity<Store>{})
template <class F>
auto with_store(const std::string& name, F f) {
  if (name.starts_with("sqlite")) return f(std::type_identity<SqliteStore>{});
  if (name.starts_with("file")) return f(std::type_identity<FileStore>{});
  throw std::runtime_error("there is no store " + name);
}

}  // namespace livecount::crash
