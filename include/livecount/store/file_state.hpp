// SPDX-License-Identifier: BSL-1.0
// What a FileStore remembers, and how its files are doing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "../retention.hpp"
#include "file_format.hpp"
#include "file_table.hpp"

namespace livecount::inline v0_1 {

/// How a FileStore's files are doing.
struct FileStatus {
  std::uint64_t journal_bytes = 0;
  std::uint64_t snapshot_bytes = 0;
  std::uint64_t compactions = 0;
  std::uint64_t failures = 0;  // of compactions, and of syncs that no batch waited for
  std::string last_failure{};
};

namespace detail {

/// All that a store remembers: its files hold this, and nothing else.
struct FileState {
  std::optional<Settings> settings;
  Horizons horizons;
  FileTable table;
  std::map<LedgerKey, LedgerRow> ledger;
  std::vector<Quarantined> quarantined;
};

}  // namespace detail
}  // namespace livecount::inline v0_1
