// SPDX-License-Identifier: BSL-1.0
// Forgetting writers that are dead: the ledger has a row for each writer, and each start of a Counter is a writer.
//
// A row may go when its writer will never send a batch again. A writer that has been idle for a day takes a new identity
// (counter/write_behind.hpp), so a row that does not change for much longer belongs to nobody who is alive, or to one that
// has been cut off all this time: its late batch is then refused (store_rolled_back), never applied a second time.
// "Unchanged" is what this cleaner has seen itself, on its own steady clock: no wall clock is trusted, and a process that
// lives for less than the grace period removes nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "../detail/sqlite_handle.hpp"

namespace livecount::inline v0_1::detail {

/// One thread at a time.
class SqliteLedgerCleaner {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit SqliteLedgerCleaner(std::chrono::hours grace) : grace_(grace) {}

  /// Looks at the ledger, if it is time, and removes in one transaction at most `most_removed` rows that have been seen
  /// unchanged for the grace period. Requires: no transaction is open. Throws: Error; then nothing was removed.
  void run(SqliteConnection& connection, time_point now) {
    if (now < next_look_) return;
    next_look_ = now + grace_ / 16;
    std::map<Row, time_point> seen;
    std::vector<Row> dead;
    SqliteStatement select(connection, "SELECT writer, shard, sequence, touched FROM livecount_ledger");
    while (select.step()) {
      Row row{std::string(select.bytes(0)), select.integer(1), select.integer(2), select.integer(3)};
      const auto known = seen_.find(row);
      const time_point since = known == seen_.end() ? now : known->second;
      if (now - since >= grace_ && dead.size() < most_removed) dead.push_back(row);
      seen.emplace(std::move(row), since);
    }
    select.reset();
    seen_ = std::move(seen);
    if (!dead.empty()) remove(connection, dead);
  }

 private:
  static constexpr std::size_t most_removed = 1000;

  struct Row {
    std::string writer;
    std::int64_t shard = 0, sequence = 0, touched = 0;
    friend auto operator<=>(const Row&, const Row&) = default;
  };

  static void remove(SqliteConnection& connection, const std::vector<Row>& rows) {
    SqliteTransaction transaction(connection);
    SqliteStatement statement(
        connection,
        "DELETE FROM livecount_ledger WHERE writer = ? AND shard = ? AND sequence = ? AND "
        "touched = ?");
    for (const Row& row : rows) {
      statement.bind_blob(1, row.writer).bind(2, row.shard).bind(3, row.sequence).bind(4, row.touched).run();
    }
    transaction.commit();
  }

  const std::chrono::hours grace_;
  time_point next_look_{};
  std::map<Row, time_point> seen_;  // as they are now, and since when they have been so
};

}  // namespace livecount::inline v0_1::detail
