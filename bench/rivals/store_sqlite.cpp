// SPDX-License-Identifier: BSL-1.0
// Plain SQLite as one would write it: a prepared upsert, a transaction a batch, a write-ahead log, default settings
// (which sync at each commit).
#include <sqlite3.h>

#include "../support/row_store.hpp"

namespace {

class Sqlite : public bench::RowStore {
 public:
  explicit Sqlite(const std::string& folder) {
    check(sqlite3_open((folder + "/plain.db").c_str(), &connection_));
    execute("PRAGMA journal_mode = WAL");
    execute("CREATE TABLE counts (name TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID");
    check(sqlite3_prepare_v2(connection_,
                             "INSERT INTO counts VALUES (?1, 1) ON CONFLICT DO UPDATE SET count = count + 1",
                             -1, &upsert_, nullptr));
  }
  ~Sqlite() override {
    sqlite3_finalize(upsert_);
    sqlite3_close(connection_);
  }
  void add(std::span<const std::string_view> batch) override {
    execute("BEGIN IMMEDIATE");
    for (const std::string_view name : batch) {
      check(sqlite3_bind_text(upsert_, 1, name.data(), static_cast<int>(name.size()), SQLITE_STATIC));
      check(sqlite3_step(upsert_));
      check(sqlite3_reset(upsert_));
    }
    execute("COMMIT");
  }

 private:
  void execute(const char* sql) { check(sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr)); }
  void check(int code) {
    bench::require(code == SQLITE_OK || code == SQLITE_DONE,
                   std::string("sqlite: ") + sqlite3_errmsg(connection_));
  }
  sqlite3* connection_ = nullptr;
  sqlite3_stmt* upsert_ = nullptr;
};

const bench::RegisteredStore entry({"SQLite, plain prepared upserts",
                                    [](const std::string& folder) -> std::unique_ptr<bench::RowStore> {
                                      return std::make_unique<Sqlite>(folder);
                                    }});

}  // namespace
