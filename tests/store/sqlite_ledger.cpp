// SPDX-License-Identifier: BSL-1.0
#include <livecount/store/sqlite_ledger.hpp>

#include <livecount/store/sqlite_store.hpp>

#include <chrono>
#include <filesystem>
#include <string>

#include "store/writer.hpp"
#include "support/catch.hpp"

namespace {

using namespace livecount;
using namespace livecount::tests;
using namespace std::chrono_literals;

std::int64_t writers_in(detail::SqliteConnection& connection) {
  return detail::query_number(connection, "SELECT count(*) FROM livecount_ledger");
}

TEST_CASE(
    "only rows that have been seen unchanged for the grace period go, and a removed writer's late batch is "
    "refused") {
  Opened<SqliteStore> opened;
  SqliteStore& store = opened.store;
  Writer dead(1), idle(2), busy(3);
  for (Writer* const writer : {&dead, &idle, &busy}) REQUIRE(is_applied(writer->send(store, {plus("a", 1)})));
  detail::SqliteConnection connection(opened.place.options().path, SQLITE_OPEN_READWRITE, 1s);
  detail::SqliteLedgerCleaner cleaner(7 * 24h);
  const auto begin = std::chrono::steady_clock::now();

  cleaner.run(connection, begin);  // sees the rows for the first time, however old they say they are
  connection.execute("UPDATE livecount_ledger SET touched = 0 WHERE writer = x'" + std::string(32, '0') +
                     "'");
  cleaner.run(connection, begin + 6 * 24h);
  CHECK(writers_in(connection) == 3);
  REQUIRE(is_applied(busy.send(store, {plus("a", 1)})));
  cleaner.run(connection, begin + 7 * 24h - 1s);
  CHECK(writers_in(connection) == 3);
  REQUIRE(is_applied(idle.send(store, {plus("a", 1)})));  // just before it would be removed
  cleaner.run(connection, begin + 8 * 24h);
  CHECK(writers_in(connection) == 2);

  CHECK(is_refused(dead.send(store, {plus("a", 100)}), Errc::store_rolled_back));
  CHECK(is_refused(dead.send_again(store, {plus("a", 100)}), Errc::store_rolled_back));
  CHECK(is_applied(idle.send(store, {plus("a", 1)})));
  CHECK(is_applied(Writer(1).send(store, {plus("a", 1)})));  // a new writer begins at 1
  CHECK(store.read(named("a")) == 7);
}

TEST_CASE("the ledger is looked at seldom, and many rows are removed bit by bit") {
  Opened<SqliteStore> opened;
  detail::SqliteConnection connection(opened.place.options().path, SQLITE_OPEN_READWRITE, 1s);
  connection.execute(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) "
      "INSERT INTO livecount_ledger SELECT CAST(printf('%016d', i) AS BLOB), 0, 1, 0, 0 FROM n");
  detail::SqliteLedgerCleaner cleaner(160h);
  const auto begin = std::chrono::steady_clock::now();
  cleaner.run(connection, begin);
  cleaner.run(connection, begin + 160h);
  CHECK(writers_in(connection) == 1500);
  cleaner.run(connection, begin + 169h);  // not yet
  CHECK(writers_in(connection) == 1500);
  cleaner.run(connection, begin + 170h);
  cleaner.run(connection, begin + 180h);
  CHECK(writers_in(connection) == 0);
}

TEST_CASE("a grace period in which an idle writer may still come back under its old identity is refused") {
  const StorePlace<SqliteStore> place;
  SqliteStore::Options options = place.options();
  options.ledger_grace = 47h;
  try {
    SqliteStore store(options);
    FAIL("opened");
  } catch (const Error& error) {
    CHECK(error.code() == Errc::invalid_option);
    CHECK(std::string(error.what()).find("48") != std::string::npos);
  }
  CHECK_FALSE(std::filesystem::exists(options.path));
}

// ---- a commit that failed, and took effect all the same

bool commit_is_to_fail = false;

/// Makes the next commit of any connection report an I/O error after it has taken effect.
int watch_commits(sqlite3* db, const char**, const sqlite3_api_routines*) {
  sqlite3_commit_hook(
      db,
      [](void* connection) {
        if (commit_is_to_fail) {
          sqlite3_wal_hook(
              static_cast<sqlite3*>(connection),
              [](void*, sqlite3*, const char*, int) { return SQLITE_IOERR_FSYNC; }, nullptr);
        }
        commit_is_to_fail = false;
        return 0;
      },
      db);
  return SQLITE_OK;
}

TEST_CASE("after a commit that failed, nothing is acknowledged before the log has been written back") {
  sqlite3_auto_extension(reinterpret_cast<void (*)()>(watch_commits));
  {
    const StorePlace<SqliteStore> place;
    SqliteStore::Options options = place.options();
    options.busy_timeout = 50ms;
    SqliteStore store(options);
    const std::string log = options.path + "-wal";
    Writer writer(1);
    REQUIRE(is_applied(writer.send(store, {plus("a", 1)})));
    commit_is_to_fail = true;
    const ApplyResult failed = writer.send(store, {plus("a", 2)});
    CHECK(failed.outcome == Outcome::unknown);
    CHECK(std::filesystem::file_size(log) > 0);

    SECTION("it is, and then the batch is known") {
      CHECK(is_applied(writer.send_again(store, {plus("a", 2)})));
      CHECK(std::filesystem::file_size(log) == 0);
    }
    SECTION("as long as a reader keeps it from being written back, the answer is no") {
      auto snapshot = std::make_optional(store.snapshot());
      CHECK(snapshot->read(named("a")) == 3);
      const ApplyResult held = writer.send_again(store, {plus("a", 2)});
      CHECK(held.outcome == Outcome::unknown);
      CHECK(held.error == Errc::store_unavailable);
      snapshot.reset();
      CHECK(is_applied(writer.send_again(store, {plus("a", 2)})));
      CHECK(std::filesystem::file_size(log) == 0);
    }
    CHECK(store.read(named("a")) == 3);
    CHECK(is_applied(writer.send(store, {plus("a", 1)})));
    CHECK(store.read(named("a")) == 4);
  }
  sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(watch_commits));
}

}  // namespace
