// SPDX-License-Identifier: BSL-1.0
// What SqliteStore::verify finds in databases that somebody else has had a hand in.
#include <livecount/store/sqlite_store.hpp>

#include <string>
#include <utility>
#include <vector>

#include "store/sqlite_place.hpp"
#include "store/writer.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace {

using namespace livecount;
using namespace livecount::tests;

/// A database with counts, settings, a ledger and something put aside.
void fill(const Place& place) {
  SqliteStore store(place.options());
  store.adopt({});
  Writer writer(1);
  REQUIRE(is_applied(writer.send(store, {plus("a", 1), plus("b", 0)})));
  REQUIRE(writer.send(store, {plus("a", max_count)}).quarantined.size() == 1);
}

}  // namespace

TEST_CASE("a database that only SqliteStore has written is sound, also beside its writer") {
  const Place place;
  fill(place);
  CHECK(SqliteStore(place.read_only()).verify().empty());
  SqliteStore writing(place.options());
  CHECK(writing.verify().empty());
  Writer writer(2);
  REQUIRE(is_applied(writer.send(writing, {plus("c", 1)})));
  CHECK(writing.verify().empty());
}

TEST_CASE("verify says what was changed by other hands") {
  using Change = std::pair<const char*, const char*>;
  const auto [change, finding] = GENERATE(
      Change{"INSERT INTO livecount_counts VALUES (x'61', 8, 0, x'61', 1)", "unknown period type"},
      Change{"UPDATE livecount_counts SET count = (1 << 58) + 1",
             "2 rows of livecount_counts have a count outside"},
      Change{"UPDATE livecount_counts SET count = -1 WHERE name = x'61'",
             "1 rows of livecount_counts have a count below"},
      Change{"UPDATE livecount_counts SET name = zeroblob(1025) WHERE name = x'61'", "too long"},
      Change{"UPDATE livecount_ledger SET writer = x'00'", "livecount_ledger are of no writer"},
      Change{"UPDATE livecount_ledger SET sequence = 0", "livecount_ledger have an impossible number"},
      Change{"UPDATE livecount_ledger SET shard = -1", "livecount_ledger have an impossible number"},
      Change{"UPDATE livecount_quarantine SET period_type = -1",
             "livecount_quarantine have an unknown period"},
      Change{"UPDATE livecount_quarantine SET sequence = 0", "livecount_quarantine are of no batch"},
      Change{"UPDATE livecount_settings SET name = 'colour' WHERE name = 'floor'",
             "livecount_settings are unknown"},
      Change{"UPDATE livecount_settings SET value = 'friday' WHERE name = 'week_start'", "unknown value"},
      Change{"DELETE FROM livecount_settings WHERE name = 'floor'", "there are 2 settings"},
      Change{"DROP VIEW counts", "there is no view counts"},
      Change{"DROP TABLE livecount_ledger", "there is no table livecount_ledger"},
      Change{"ALTER TABLE livecount_counts ADD COLUMN colour TEXT", "table livecount_counts is not as"},
      Change{"CREATE TRIGGER spy AFTER UPDATE ON livecount_counts BEGIN DELETE FROM livecount_ledger; END",
             "trigger spy"});
  const Place place;
  fill(place);
  Connection(place.path).execute(change);
  const std::vector<std::string> findings = SqliteStore(place.read_only()).verify();
  CAPTURE(change, findings);
  REQUIRE(findings.size() == 1);
  CHECK(contains(findings[0], finding));
}

TEST_CASE("verify says what was changed by other hands in a log") {
  using Change = std::pair<const char*, const char*>;
  const auto [change, finding] =
      GENERATE(Change{"UPDATE livecount_log SET period_type = 8",
                      "2 rows of livecount_log have an unknown period type"},
               Change{"UPDATE livecount_log SET name = zeroblob(1025) WHERE id = 1",
                      "1 rows of livecount_log have a name"},
               Change{"UPDATE livecount_log SET sum = 1000", "livecount_log have a sum beyond"},
               Change{"UPDATE livecount_counts SET count = 1000", "livecount_counts have a count beyond"},
               Change{"DELETE FROM livecount_log_state", "livecount_log_state has not one row"},
               Change{"DROP VIEW counts", "there is no view counts"},
               Change{"DROP VIEW counts; DROP VIEW livecount_all_counts; DROP TABLE livecount_log",
                      "there is no table livecount_log"});
  const Place place;
  {
    SqliteStore store(place.logged(100));
    store.adopt({});
    Writer writer(1);
    REQUIRE(is_applied(writer.send(store, {plus("a", -1, 0)})));
    REQUIRE(is_applied(writer.send(store, {plus("a", 3), plus("b", 0)})));
    CHECK(store.verify().empty());
  }
  Connection(place.path).execute(change);
  const std::vector<std::string> findings = SqliteStore(place.read_only()).verify();
  CAPTURE(change, findings);
  REQUIRE(!findings.empty());
  CHECK(contains(findings[0], finding));
}

TEST_CASE("a log that makes no sense is refused to who reads it") {
  const Place place;
  SqliteStore store(place.logged(100));
  REQUIRE(is_applied(Writer(1).send(store, {plus("a", 1)})));
  const char* change = GENERATE(
      "UPDATE livecount_log SET period_type = 8", "UPDATE livecount_log SET sum = 9223372036854775807",
      "INSERT INTO livecount_log SELECT 2, namespace, period_type, period, name, 1 << 58 "
      "FROM livecount_log",
      "DELETE FROM livecount_log_state");
  Connection(place.path).execute(change);
  for (int i = 0; i < 2; ++i) {  // a look that failed has not moved on
    CHECK(code_of([&] { (void)store.read(named("a")); }) == Errc::corrupt);
    CHECK(code_of([&] { (void)store.top("ns", all, 1); }) == Errc::corrupt);
  }
}

TEST_CASE("a database without its log is refused to who reads it, however often") {
  const Place place;
  {
    SqliteStore store(place.logged(100));
    REQUIRE(is_applied(Writer(1).send(store, {plus("a", 1)})));
  }
  Connection(place.path)
      .execute("DROP VIEW counts; DROP VIEW livecount_all_counts; DROP TABLE livecount_log");
  SqliteStore store(place.read_only());
  for (int i = 0; i < 3; ++i) CHECK(code_of([&] { (void)store.read(named("a")); }) == Errc::store_failed);
}

TEST_CASE("a table of somebody else beside ours is no finding") {
  const Place place;
  fill(place);
  Connection(place.path)
      .execute("CREATE TABLE notes (text TEXT); CREATE INDEX by_count ON livecount_counts (count)");
  CHECK(SqliteStore(place.read_only()).verify().empty());
}

TEST_CASE("verify finds an index that contradicts its table") {
  const Place place;
  fill(place);
  Connection connection(place.path);
  connection.execute("CREATE INDEX by_count ON livecount_counts (count); PRAGMA writable_schema = ON");
  // The index is now said to be of another column than the one it was made of.
  connection.execute(
      "UPDATE sqlite_schema SET sql = 'CREATE INDEX by_count ON livecount_counts (period)' WHERE name = "
      "'by_count'");
  connection.execute("PRAGMA writable_schema = RESET");
  const std::vector<std::string> findings = SqliteStore(place.read_only()).verify();
  REQUIRE(!findings.empty());
  CHECK(contains(findings[0], "SQLite finds: "));
}
