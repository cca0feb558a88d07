// SPDX-License-Identifier: BSL-1.0
#include <livecount/store/sqlite_log.hpp>

#define LIVECOUNT_TESTED_STORE livecount::tests::LoggedSqliteStore
#include "store/contract.hpp"
#include "store/questions.hpp"
#include "store/sqlite_place.hpp"
#include "support/out_of_memory.hpp"

namespace {

using Strings = std::vector<std::string>;
const std::string log_rows = "SELECT count(*) FROM livecount_log";
const std::string table_rows = "SELECT name, count FROM livecount_counts ORDER BY name";
const std::string seen_rows = "SELECT name, count FROM counts ORDER BY name";

}  // namespace

TEST_CASE("increments go to the log, are seen by all who ask, and are folded when the log is long") {
  const Place place;
  SqliteStore store(place.logged(4));
  Connection other(place.path);
  Writer writer(1);
  REQUIRE(is_applied(writer.send(store, {plus("a", 1), plus("b", 2)})));
  REQUIRE(is_applied(writer.send(store, {plus("a", 10)})));
  CHECK(other.ask(log_rows) == Strings{"3"});
  CHECK(other.ask(table_rows).empty());
  CHECK(other.ask(seen_rows) == Strings{"a|11", "b|2"});
  CHECK(store.read(named("a")) == 11);
  CHECK(SqliteStore(place.read_only()).read(named("a")) == 11);
  const std::vector<NamedCount> top = {{"a", 11}, {"b", 2}};
  CHECK(store.top("ns", all, 5) == top);
  CHECK(SqliteStore(place.read_only()).top("ns", all, 5) == top);

  REQUIRE(is_applied(writer.send(store, {plus("c", 0)})));
  CHECK(other.ask(log_rows) == Strings{"0"});
  CHECK(other.ask(table_rows) == Strings{"a|11", "b|2", "c|0"});
  CHECK(other.ask(seen_rows) == Strings{"a|11", "b|2", "c|0"});
  CHECK(store.read(named("a")) == 11);
  CHECK(store.read(named("c")) == 0);
  CHECK(store.top("ns", all, 1) == std::vector<NamedCount>{{"a", 11}});
}

TEST_CASE("a change that looks at the count finds the log folded") {
  const Place place;
  SqliteStore store(place.logged(1000));
  Connection other(place.path);
  Writer writer(1);
  REQUIRE(is_applied(writer.send(store, {plus("a", 5), plus("b", 5), plus("c", 5)})));
  const Transform change = GENERATE(Transform{-7, 0}, reset_to_zero, removal);
  REQUIRE(is_applied(writer.send(store, {{named("a"), change}, plus("b", 1)})));
  CHECK(other.ask(log_rows) == Strings{"0"});
  CHECK(store.read(named("a")) == (change.is_removal() ? std::nullopt : std::optional<Count>(0)));
  CHECK(store.read(named("b")) == 6);
  REQUIRE(is_applied(writer.send(store, {plus("a", 2)})));
  CHECK(other.ask(log_rows) == Strings{"1"});
  CHECK(store.read(named("a")) == 2);
}

TEST_CASE("what could leave the range of a count does not go to the log, and is put aside as ever") {
  const Place place;
  SqliteStore store(place.logged(1000));
  Connection other(place.path);
  Writer writer(1);
  const Count far = max_count / 2;
  REQUIRE(is_applied(writer.send(store, {plus("a", far), plus("b", 1)})));
  REQUIRE(is_applied(writer.send(store, {plus("c", -far + 10), plus("a", 1)})));
  CHECK(other.ask(log_rows) == Strings{"4"});
  const ApplyResult result = writer.send(store, {plus("b", 1), plus("a", far)});
  CHECK(result.outcome == Outcome::applied);
  CHECK(result.quarantined == std::vector<std::size_t>{1});
  CHECK(store.read(named("a")) == far + 1);
  CHECK(store.read(named("b")) == 2);
  CHECK(other.ask(log_rows) == Strings{"0"});
}

TEST_CASE("counts that were there before the log bound what goes to it") {
  const Place place;
  Writer writer(1);
  {
    SqliteStore store(place.options());
    REQUIRE(is_applied(writer.send(store, {plus("a", max_count - 1)})));
  }
  SqliteStore store(place.logged(1000));
  Connection other(place.path);
  REQUIRE(is_applied(writer.send(store, {plus("b", 1)})));
  CHECK(other.ask(log_rows) == Strings{"1"});
  CHECK(writer.send(store, {plus("a", 2)}).quarantined == std::vector<std::size_t>{0});
  CHECK(store.read(named("a")) == max_count - 1);
}

TEST_CASE("what a store without a log adds bounds what goes to it") {
  const Place place;
  SqliteStore store(place.logged(1000));
  SqliteStore plain(place.options());
  Writer writer(1), plain_writer(2);
  REQUIRE(is_applied(writer.send(store, {plus("b", 1)})));
  REQUIRE(is_applied(plain_writer.send(plain, {plus("a", max_count - 1)})));
  CHECK(writer.send(store, {plus("a", 2)}).quarantined == std::vector<std::size_t>{0});
  CHECK(store.read(named("a")) == max_count - 1);
}

TEST_CASE("however much is added and taken, the bound of the log does not overflow") {
  const Place place;
  Connection other(place.path);
  Writer writer(1);
  const auto send = [&](SqliteStore& store) {
    std::vector<Record> records;
    for (int i = 0; i < 40; ++i) records.push_back(plus("a", i % 2 == 0 ? max_count : -max_count));
    REQUIRE(writer.send(store, records).outcome == Outcome::applied);
  };
  {
    SqliteStore store(place.logged(1000));
    REQUIRE(is_applied(writer.send(store, {plus("b", 1)})));
    for (int i = 0; i < 40; ++i) send(store);
    REQUIRE(is_applied(writer.send(store, {plus("b", 1)})));
    CHECK(other.ask(log_rows) == Strings{"0"});
  }
  SqliteStore store(place.logged(1000));  // which looks at the counts anew
  REQUIRE(is_applied(writer.send(store, {plus("b", 1)})));
  CHECK(other.ask(log_rows) == Strings{"1"});
  CHECK(store.read(named("a")) == 0);
  CHECK(store.read(named("b")) == 3);
  CHECK(store.verify().empty());
}

TEST_CASE("a decrement as far as it goes does not end the use of the log") {
  const Place place;
  SqliteStore store(place.logged(1000));
  Connection other(place.path);
  Writer writer(1);
  REQUIRE(is_applied(writer.send(store, {plus("a", 5)})));
  REQUIRE(is_applied(writer.send(store, {plus("a", -max_count, 0)})));
  REQUIRE(is_applied(writer.send(store, {plus("a", 1)})));
  CHECK(other.ask(log_rows) == Strings{"1"});
  CHECK(store.read(named("a")) == 1);
}

TEST_CASE("a log that cannot be folded costs no batch, and is folded when it can be") {
  const Place place;
  SqliteStore store(place.logged(2));
  Connection other(place.path);
  Writer writer(1);
  other.execute("CREATE TRIGGER t BEFORE INSERT ON livecount_counts BEGIN SELECT RAISE(ABORT, 'no'); END");
  for (int i = 0; i < 3; ++i) CHECK(is_applied(writer.send(store, {plus("a", 1), plus("b", 1)})));
  CHECK(other.ask(log_rows) == Strings{"6"});
  CHECK(store.read(named("a")) == 3);
  other.execute("DROP TRIGGER t");
  CHECK(is_applied(writer.send(store, {plus("a", 1)})));
  CHECK(other.ask(log_rows) == Strings{"0"});
  CHECK(store.read(named("a")) == 4);
}

TEST_CASE("a look at the log for which there is no memory does not spoil the next one") {
  const Place place;
  SqliteStore store(place.logged(10'000));
  Writer writer(1);
  std::vector<std::string> names;
  for (int i = 0; i < 10; ++i) names.push_back("a name too long to be kept in a string " + std::to_string(i));
  const bool grouped = GENERATE(false, true);
  int failed = 0;
  for (int allocations = 0; allocations < 60; ++allocations) {
    std::vector<Record> records;
    for (const std::string& name : names) records.push_back(plus(name, 1));
    REQUIRE(is_applied(writer.send(store, records)));
    std::optional<SqliteStore::ReadsTogether> together;
    if (grouped) together.emplace(store);
    try {
      const OutOfMemory limited(allocations);
      (void)store.read(named(names[9]));
    } catch (const std::bad_alloc&) {
      ++failed;
    }
    for (const std::string& name : names) REQUIRE(store.read(named(name)) == allocations + 1);
  }
  CHECK(failed >= 10);
}

TEST_CASE(
    "stores with and without a log, in any order, and a reader opened before there was a log, agree on one "
    "file") {
  const Place place;
  SqliteStore plain(place.options());
  SqliteStore reader(place.read_only());
  REQUIRE(reader.read(named("a")) == std::nullopt);
  SqliteStore with_log(place.logged(7));
  std::mt19937_64 random(20'110'615);
  Writer plain_writer(1), log_writer(2);
  std::map<std::string, Count> expected;
  const std::vector<std::string> names = {"a", "b", "c", "d"};
  for (int i = 0; i < 2'000; ++i) {
    CAPTURE(i);
    const std::string& name = names[random() % names.size()];
    const bool down = random() % 4 == 0;
    const Transform change =
        down ? Transform{-Count(random() % 20), 0} : Transform{Count(random() % 5), no_floor};
    const bool to_log = random() % 3 != 0;
    REQUIRE(is_applied(
        (to_log ? log_writer : plain_writer).send(to_log ? with_log : plain, {{named(name), change}})));
    expected[name] = change.apply(expected[name]);
    for (SqliteStore* store : {&plain, &with_log, &reader}) {
      if (random() % 3 == 0) CHECK(store->read(named(name)) == expected[name]);
      if (random() % 16 != 0) continue;
      const auto found = rows(*store, "ns", PeriodType::all);
      REQUIRE(found.size() == expected.size());
      for (const auto& [key, count] : found) CHECK(count == expected[key.name]);
    }
  }
  CHECK(plain.verify().empty());
}

TEST_CASE("a transaction that makes the log and is rolled back leaves none, and the next one makes it") {
  const Place place;
  SqliteStore store(place.logged(100));
  Connection other(place.path);
  other.execute("CREATE TRIGGER t BEFORE INSERT ON livecount_ledger BEGIN SELECT RAISE(ABORT, 'no'); END");
  Writer writer(1);
  CHECK(writer.send(store, {plus("a", 1)}).outcome == Outcome::not_applied);
  CHECK(other.ask("PRAGMA user_version") == Strings{"1"});
  other.execute("DROP TRIGGER t");
  REQUIRE(is_applied(writer.send_again(store, {plus("a", 1)})));
  CHECK(other.ask(log_rows) == Strings{"1"});
  CHECK(store.read(named("a")) == 1);
}

TEST_CASE("old buckets leave the log, too") {
  const Place place;
  SqliteStore store(place.logged(100));
  Writer writer(1);
  REQUIRE(is_applied(writer.send(store, {{named("a", day), {1}}, {named("a", next_day), {2}}})));
  while (store.expire(next_day, 1)) continue;
  CHECK(store.read(named("a", day)) == std::nullopt);
  CHECK(store.read(named("a", next_day)) == 2);
  CHECK(writer.send(store, {{named("a", day), {1}}, {named("a", next_day), {2}}}).late ==
        std::vector<std::size_t>{0});
  CHECK(store.read(named("a", day)) == std::nullopt);
  CHECK(store.read(named("a", next_day)) == 4);
}

TEST_CASE("reads that share a transaction see the log of its moment") {
  const Place place;
  SqliteStore store(place.logged(3));
  Writer writer(1);
  const auto together = store.reads_together();
  for (Count i = 1; i <= 10; ++i) {
    REQUIRE(is_applied(writer.send(store, {plus("a", 1)})));
    CHECK(store.read(named("a")) == i);
    CHECK(store.read(named("b")) == std::nullopt);
  }
}
