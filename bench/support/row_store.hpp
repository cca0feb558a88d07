// SPDX-License-Identifier: BSL-1.0
//
// RowStore: something durable that adds to counts by name, a batch at a time. Each stands in a file of its own
// (rivals/store_*.cpp), which is built if its library is there, and enters itself into the list.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

class RowStore {
 public:
  RowStore() = default;
  virtual ~RowStore() = default;
  RowStore(const RowStore&) = delete;
  RowStore& operator=(const RowStore&) = delete;

  /// Adds 1 to each, and returns when that would survive a power cut.
  virtual void add(std::span<const std::string_view> batch) = 0;
};

struct RowStoreKind {
  std::string name;
  std::unique_ptr<RowStore> (*make)(const std::string& folder);
};

[[nodiscard]] inline std::vector<RowStoreKind>& row_stores() {
  static std::vector<RowStoreKind> kinds;
  return kinds;
}

struct RegisteredStore {
  explicit RegisteredStore(RowStoreKind kind) { row_stores().push_back(std::move(kind)); }
};

/// For a library whose calls all have to succeed.
inline void require(bool succeeded, const std::string& what) {
  if (succeeded) return;
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

}  // namespace bench
