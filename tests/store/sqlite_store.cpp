// SPDX-License-Identifier: BSL-1.0
#include <livecount/store/sqlite_store.hpp>

#include <chrono>
#include <thread>

#define LIVECOUNT_TESTED_STORE livecount::SqliteStore
#include "store/contract.hpp"
#include "store/questions.hpp"
#include "store/sqlite_place.hpp"

// ---- the data outlives the store

TEST_CASE("what was applied is there when the file is opened again, and is applied once all the same") {
  const Place place;
  Writer writer(1);
  {
    SqliteStore store(place.options());
    REQUIRE(is_applied(writer.send(store, {plus("a", 3), plus("b", 0)})));
  }
  CHECK(place.files() == 1);  // a closed database is one file
  SqliteStore store(place.options());
  CHECK(store.read(named("a")) == 3);
  CHECK(store.read(named("b")) == 0);
  CHECK(is_applied(writer.send_again(store, {plus("a", 3), plus("b", 0)})));
  CHECK(is_refused(writer.send_again(store, {plus("a", 4)}), Errc::writer_duplicated));
  CHECK(is_refused(writer.send_as(store, 3, {plus("a", 1)}), Errc::store_rolled_back));
  CHECK(is_applied(writer.send(store, {plus("a", 1)})));
  CHECK(store.read(named("a")) == 4);
}

TEST_CASE("settings are kept with the data, and others are refused with both values in the message") {
  const Place place;
  const Settings settings{"CST6CDT,M3.2.0/2,M11.1.0/2", WeekStart::sunday, Floor::none};
  {
    SqliteStore store(place.options());
    CHECK(store.settings() == std::nullopt);
    store.adopt(settings);
    CHECK(store.settings() == settings);
    store.adopt(settings);
  }
  SqliteStore store(place.options());
  CHECK(store.settings() == settings);
  store.adopt(settings);

  const std::vector<std::pair<Settings, std::vector<std::string>>> others = {
      {{"UTC", settings.week_start, settings.floor}, {settings.calendar, "UTC"}},
      {{settings.calendar, WeekStart::monday, settings.floor}, {"sunday", "monday"}},
      {{settings.calendar, settings.week_start, Floor::zero}, {"none", "zero"}},
  };
  for (const auto& [other, words] : others) {
    try {
      store.adopt(other);
      FAIL("adopted");
    } catch (const Error& error) {
      CHECK(error.code() == Errc::settings_mismatch);
      CHECK(error.where() == place.path);
      for (const std::string& word : words) CHECK(contains(error.what(), word));
    }
  }
  CHECK(store.settings() == settings);
  CHECK(is_applied(Writer(1).send(store, {plus("a", 1)})));  // the refusal has left no transaction open
}

// ---- several connections

TEST_CASE("while another program writes, a batch is not applied, and reads go on") {
  const Place place;
  SqliteStore::Options options = place.options();
  options.busy_timeout = std::chrono::milliseconds(40);
  SqliteStore store(options);
  Writer writer(1);
  REQUIRE(is_applied(writer.send(store, {plus("a", 1)})));

  Connection other(place.path);
  other.execute("BEGIN IMMEDIATE");
  const auto begin = std::chrono::steady_clock::now();
  CHECK(is_refused(writer.send(store, {plus("a", 1)}), Errc::store_unavailable));
  CHECK(std::chrono::steady_clock::now() - begin >= options.busy_timeout);
  CHECK(is_refused(writer.send_again(store, {plus("a", 1)}), Errc::store_unavailable));
  CHECK(store.read(named("a")) == 1);
  CHECK(SqliteStore(options).read(named("a")) == 1);  // a further one can be opened
  other.execute("ROLLBACK");
  CHECK(is_applied(writer.send_again(store, {plus("a", 1)})));
  CHECK(store.read(named("a")) == 2);
}

TEST_CASE("a batch waits for another program that is done in time") {
  const Place place;
  SqliteStore::Options options = place.options();
  options.busy_timeout = std::chrono::seconds(60);
  SqliteStore store(options);
  Connection other(place.path);
  other.execute("BEGIN IMMEDIATE");
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    other.execute("COMMIT");
  });
  CHECK(is_applied(Writer(1).send(store, {plus("a", 1)})));
  later.join();
}

TEST_CASE("stores on one file count together") {
  const Place place;
  std::atomic<int> wrong{0};
  run_together([&](int number, auto&) {
    SqliteStore::Options options = place.options();
    options.busy_timeout = std::chrono::seconds(60);
    try {
      SqliteStore store(options);  // all at once: one of them makes the database
      store.adopt({});
      Writer writer(static_cast<std::uint8_t>(number + 1));
      for (int i = 0; i < 50; ++i) {
        if (!is_applied(writer.send(store, {plus("a", 1), plus("b", -9, 0)}))) ++wrong;
      }
    } catch (const Error&) {
      ++wrong;
    }
  });
  CHECK(wrong == 0);
  SqliteStore store(place.options());
  CHECK(store.read(named("a")) == threads * 50);
  CHECK(store.read(named("b")) == 0);
}

TEST_CASE("a new database may be opened by many at the same moment") {
  std::atomic<int> wrong{0};
  for (int i = 0; i < 10; ++i) {
    const Place place;
    SqliteStore::Options options = place.options();
    options.busy_timeout = std::chrono::seconds(60);
    run_together([&](int, auto&) {
      try {
        SqliteStore(options).adopt({});
      } catch (const Error&) {
        ++wrong;
      }
    });
  }
  CHECK(wrong == 0);
}

TEST_CASE("a new database waits for another program that holds its file") {
  const Place place;
  SqliteStore::Options options = place.options();
  options.busy_timeout = std::chrono::seconds(60);
  Connection other(place.path);
  other.execute("BEGIN IMMEDIATE");
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    other.execute("ROLLBACK");
  });
  CHECK_NOTHROW(SqliteStore(options).adopt({}));
  later.join();
}

TEST_CASE("the version moves when another connection has committed, and not else") {
  const Place place;
  SqliteStore store(place.options());
  SqliteStore other(place.options());
  Writer mine(1);
  Writer theirs(2);
  const std::uint64_t before = store.version();
  REQUIRE(is_applied(mine.send(store, {plus("a", 1)})));
  (void)store.read(named("a"));
  (void)other.read(named("a"));
  CHECK(store.version() == before);
  REQUIRE(is_applied(theirs.send(other, {plus("a", 1)})));
  const std::uint64_t after = store.version();
  CHECK(after != before);
  CHECK(store.version() == after);
  REQUIRE(is_applied(mine.send(store, {plus("a", 1)})));
  CHECK(store.version() == after);
}

// ---- what people see

TEST_CASE("people can query the view with text") {
  const Place place;
  SqliteStore store(place.options());
  REQUIRE(is_applied(Writer(1).send(store, {{{"path", day, "/a"}, {3, no_floor}},
                                            {{"path", day, "/\xc3\xa9"}, {5, no_floor}},
                                            {{"path", next_day, "/a"}, {4, no_floor}},
                                            {{"other", day, "/a"}, {9, no_floor}},
                                            {{"path", all, "/a"}, {9, no_floor}}})));
  Connection connection(place.path);
  CHECK(connection.ask("select period, name, count from counts "
                       "where namespace = 'path' and period_type = 'day' order by count desc limit 10") ==
        std::vector<std::string>{"2011-06-15|/\xc3\xa9|5", "2011-06-16|/a|4", "2011-06-15|/a|3"});
  CHECK(connection.ask("select distinct typeof(namespace), typeof(period_type), typeof(period), "
                       "typeof(name), typeof(count) from counts") ==
        std::vector<std::string>{"text|text|text|text|integer"});
  CHECK(connection.ask("select distinct typeof(namespace), typeof(name), typeof(count) "
                       "from livecount_counts") == std::vector<std::string>{"blob|blob|integer"});
}

TEST_CASE("the view tells period types and periods in the words of keys") {
  const Place place;
  SqliteStore store(place.options());
  const std::vector<Bucket> buckets = {
      {PeriodType::second, 1'308'161'492}, {PeriodType::minute, 1'308'161'460},
      {PeriodType::hour, 1'308'160'800},   {PeriodType::day, day.start},
      {PeriodType::week, 1'307'923'200},   {PeriodType::month, 1'306'886'400},
      {PeriodType::year, 1'293'840'000},   {PeriodType::all, 0},
      {PeriodType::day, -86'400},          {PeriodType::year, 253'370'764'800}};
  std::vector<Record> records;
  std::vector<std::string> expected;
  for (const Bucket& bucket : buckets) {
    records.push_back({named("a", bucket), {1, no_floor}});
    expected.push_back(std::string(to_string(bucket.type)) + "|" + to_scope(bucket));
  }
  REQUIRE(is_applied(Writer(1).send(store, records)));
  auto seen = Connection(place.path).ask("select period_type, period from counts");
  std::sort(seen.begin(), seen.end());
  std::sort(expected.begin(), expected.end());
  CHECK(seen == expected);
}

TEST_CASE("what was put aside can be looked up") {
  const Place place;
  SqliteStore store(place.options());
  Writer writer(1);
  REQUIRE(is_applied(writer.send(store, {plus("a", max_count)})));
  REQUIRE(writer.send(store, {plus("b", 1), plus("a", 7)}).quarantined == std::vector<std::size_t>{1});
  REQUIRE(writer.send_again(store, {plus("b", 1), plus("a", 7)}).outcome == Outcome::applied);
  CHECK(Connection(place.path).ask("select cast(name as text), sum, sequence from livecount_quarantine") ==
        std::vector<std::string>{"a|7|2"});
}

TEST_CASE("a store tells its namespaces in order") {
  const Place place;
  SqliteStore store(place.options());
  CHECK(store.namespaces().empty());
  std::vector<Record> records;
  const std::vector<std::string> names = {"", std::string("\0", 1), "a", "a:b", "b", "\xff"};
  for (const std::size_t i : {4U, 0U, 5U, 2U, 1U, 3U}) {
    records.push_back({{names[i], all, "x"}, {1, no_floor}});
    records.push_back({{names[i], day, "y"}, {1, no_floor}});
  }
  REQUIRE(is_applied(Writer(1).send(store, records)));
  CHECK(store.namespaces() == names);
}

TEST_CASE("the newest batches are in the file whatever is synced") {
  for (const Synchronous synchronous : {Synchronous::full, Synchronous::normal, Synchronous::off}) {
    const Place place;
    SqliteStore::Options options = place.options();
    options.synchronous = synchronous;
    SqliteStore store(options);
    REQUIRE(is_applied(Writer(1).send(store, {plus("a", 1)})));
    CHECK(Connection(place.path).ask("select count from counts") == std::vector<std::string>{"1"});
  }
}

TEST_CASE("reads together share a moment, until this store has committed") {
  const StorePlace<SqliteStore> place;
  SqliteStore store(place.options());
  SqliteStore other(place.options());
  Writer writer(1), elsewhere(2);
  REQUIRE(is_applied(writer.send(store, {plus("a", 1), plus("b", 1)})));
  {
    const auto together = store.reads_together();
    CHECK(store.read(named("a")) == 1);
    REQUIRE(is_applied(elsewhere.send(other, {plus("b", 1)})));
    CHECK(store.read(named("b")) == 1);  // the moment of a
    REQUIRE(is_applied(writer.send(store, {plus("a", 1)})));
    CHECK(store.read(named("a")) == 2);
    CHECK(store.read(named("b")) == 2);
    const auto nested = store.reads_together();
    CHECK(store.read(named("c")) == std::nullopt);
  }
  REQUIRE(is_applied(elsewhere.send(other, {plus("b", 1)})));
  CHECK(store.read(named("b")) == 3);
  // No transaction is left open: the log can be cut.
  detail::SqliteConnection connection(place.options().path, SQLITE_OPEN_READWRITE,
                                      std::chrono::milliseconds(0));
  CHECK(detail::query_number(connection, "PRAGMA wal_checkpoint(TRUNCATE)") == 0);
}
