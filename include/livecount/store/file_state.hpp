// SPDX-License-Identifier: BSL-1.0
// What a FileStore remembers: its files hold this, and nothing else.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "file_format.hpp"
#include "file_table.hpp"

namespace livecount::inline v0_1::detail {

/// All that a store remembers.
struct FileState {
  std::optional<Settings> settings;
  FileTable table;
  std::map<LedgerKey, LedgerRow> ledger;
  std::vector<Quarantined> quarantined;
};

}  // namespace livecount::inline v0_1::detail
