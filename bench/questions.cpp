// SPDX-License-Identifier: BSL-1.0
//
// What does a question cost, beside the same question in SQL on the same file?
//
//   workload        question
//   top             the 20 largest counts of a day in which 1,000,000 names were counted
//   top, pending    the same, with 1,000 counters changed and not yet written: SQL cannot see them
//   names           the first 1,000 names of that day with a prefix that one in nine has
//   names, any day  the same of any day among three years
//   sum             the sum under that prefix
//   range           one value a day for one name over three years, zeros included
//   rate            counts a second over the last five days
//   get_many        1,000 names of that day, none of them in memory
//   namespaces
//
//   contender       what it does
//   livecount       asks a Counter<LockFreeCache, SqliteStore, ManualQueue>
//   SQL             opens the file, prepares and asks, as the sqlite3 shell does; the question as one would write it who
//                   knows the primary key, (namespace, period_type, period, name)
//
// The three years are 1,000 names in a namespace of their own. Behind the table stand the ratios; the bar is 1.2.
#include <livecount/sqlite.hpp>

#include <cinttypes>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "support/folder.hpp"
#include "support/measure.hpp"

namespace {

using namespace bench;
using namespace livecount;

using Hits = Counter<LockFreeCache, SqliteStore, ManualQueue>;

constexpr std::int64_t day_length = 86'400;
constexpr std::int64_t first_day = 1'420'070'400;  // 2015-01-01
constexpr std::int64_t last_day = first_day + (3 * 365 - 1) * day_length;

/// "/1/000017": the first part is the first digit of a number that depends on i.
std::string page(std::size_t i) {
  char text[48];
  const int size = std::snprintf(text, sizeof text, "/%zu/some/page/of/the/site/%07zu", 1 + i * 7919 % 9, i);
  return {text, static_cast<std::size_t>(size)};
}

Count count_of(std::size_t i) { return static_cast<Count>(1 + i * 2'654'435'761U % 1'000'003); }

void fill(const std::string& path, std::size_t names, std::size_t daily_names) {
  SqliteStore store({.path = path, .synchronous = Synchronous::off});
  store.adopt({});
  std::vector<std::string> kept;
  std::vector<Record> records;
  std::uint64_t sequence = 0;
  const auto send = [&] {
    if (store.apply(Batch{{1}, 0, ++sequence, records}).outcome != Outcome::applied) std::exit(1);
    records.clear();
    kept.clear();
  };
  constexpr std::size_t batch_size = 20'000;
  const auto add = [&](std::string_view ns, std::int64_t day, std::size_t i) {
    if (kept.size() == batch_size) send();
    kept.reserve(batch_size);
    kept.push_back(page(i));
    records.push_back(
        {{ns, {PeriodType::day, day}, kept.back()}, {count_of(i + static_cast<std::size_t>(day)), no_floor}});
  };
  for (std::size_t i = 0; i < names; ++i) add("site", last_day, i);
  for (std::int64_t day = first_day; day <= last_day; day += day_length) {
    for (std::size_t i = 0; i < daily_names; ++i) {
      if ((static_cast<std::size_t>(day / day_length) + i) % 7 != 0) add("years", day, i);
    }
  }
  send();
}

/// A question in SQL, on a connection of its own; how many rows it had.
std::size_t ask(const std::string& path, const std::string& sql) {
  detail::SqliteConnection connection(path, SQLITE_OPEN_READONLY, std::chrono::seconds(5));
  detail::SqliteStatement select(connection, sql);
  std::size_t rows = 0;
  for (; select.step(); ++rows) {
    keep(select.bytes(0));
    keep(select.integer(1));
  }
  return rows;
}

std::string blob(std::string_view bytes) {
  std::string hex = "x'";
  for (const char c : bytes) {
    hex += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    hex += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
  }
  return hex + "'";
}

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv);
  Report report(options);
  const Folder folder = Folder::in_memory();
  const std::string path = folder.file("questions.db");
  fill(path, options.pick<std::size_t>(2000, 200'000, 1'000'000), options.pick<std::size_t>(10, 200, 1000));

  Hits::Options counter_options;
  counter_options.store = {.path = path, .synchronous = Synchronous::off};
  Hits hits(counter_options);

  const auto instant = [](std::int64_t day) { return std::chrono::sys_seconds(std::chrono::seconds(day)); };
  const Time now = instant(last_day);
  const std::string of_day = " FROM livecount_counts WHERE namespace = " + blob("site") +
                             " AND period_type = 3 AND period = " + std::to_string(last_day);
  const std::string with_prefix =
      " AND name >= " + blob("/3/") + " AND name < " + blob("/30");  // '0' follows '/'
  const std::string one = page(14);

  std::vector<std::string> many;
  for (std::size_t i = 0; i < 1000; ++i) many.push_back(page(i * 2));
  const std::vector<std::string_view> many_views(many.begin(), many.end());

  std::map<std::string, std::pair<std::vector<double>, std::vector<double>>> times;
  const auto measure = [&](const std::string& workload, auto ours, auto theirs) {
    std::size_t our_rows = 0, their_rows = 0;
    const double us = time_one([&] { our_rows = ours(); }) * 1e3;
    const double sql = time_one([&] { their_rows = theirs(); }) * 1e3;
    if (our_rows != their_rows) {
      std::fprintf(stderr, "%s: %zu rows, and by SQL %zu\n", workload.c_str(), our_rows, their_rows);
      std::exit(1);
    }
    report.add(workload, "livecount", us, "ms");
    report.add(workload, "SQL", sql, "ms");
    times[workload].first.push_back(us);
    times[workload].second.push_back(sql);
  };

  const auto top = [&] {
    return hits.top({.period = PeriodType::day, .ns = "site", .at = now, .limit = 20}).size();
  };
  const auto sql_top = [&] {
    return ask(path, "SELECT name, count" + of_day + " ORDER BY count DESC, name LIMIT 20");
  };
  for (int round = 0; round < options.rounds; ++round) {
    measure("top", top, sql_top);
    for (std::size_t i = 0; i < 1000; ++i) {
      hits.increment(page(i), {.periods = PeriodType::day, .ns = "site", .at = now});
    }
    measure("top, pending", top, sql_top);
    hits.flush();
    measure(
        "names",
        [&] {
          return hits.names({.period = PeriodType::day, .ns = "site", .at = now, .prefix = "/3/"}).size();
        },
        [&] { return ask(path, "SELECT name" + of_day + with_prefix + " ORDER BY name LIMIT 1000"); });
    measure(
        "names, any day",
        [&] { return hits.names({.period = PeriodType::day, .ns = "years", .prefix = "/3/"}).size(); },
        [&] {
          return ask(path, "SELECT DISTINCT name FROM livecount_counts WHERE namespace = " + blob("years") +
                               " AND period_type = 3" + with_prefix + " ORDER BY name LIMIT 1000");
        });
    measure(
        "sum",
        [&] {
          keep(hits.sum({.period = PeriodType::day, .ns = "site", .at = now, .prefix = "/3/"}));
          return std::size_t{1};
        },
        [&] { return ask(path, "SELECT sum(count)" + of_day + with_prefix); });
    const auto days = [&](std::int64_t from, std::int64_t to) {
      return "WITH RECURSIVE days(day) AS (VALUES(" + std::to_string(from) +
             ") UNION ALL SELECT day + 86400 FROM days "
             "WHERE day < " +
             std::to_string(to) +
             ") SELECT day, coalesce(count, 0) FROM days LEFT JOIN "
             "livecount_counts ON namespace = " +
             blob("years") + " AND period_type = 3 AND period = day AND name = " + blob(one);
    };
    measure(
        "range",
        [&] {
          return hits
              .range(one, {.period = PeriodType::day, .ns = "years", .from = instant(first_day), .to = now})
              .size();
        },
        [&] { return ask(path, days(first_day, last_day)); });
    measure(
        "rate",
        [&] {
          keep(hits.rate(one, {.period = PeriodType::day, .ns = "years", .buckets = 5, .at = now}));
          return std::size_t{5};
        },
        [&] { return ask(path, days(last_day - 5 * day_length, last_day - day_length)); });
    hits.drop_clean();
    measure(
        "get_many",
        [&] {
          return hits.get_many(many_views, {.period = PeriodType::day, .ns = "site", .at = now}).size();
        },
        [&] {
          std::string list;
          for (const std::string& name : many) list += (list.empty() ? "" : ", ") + blob(name);
          return ask(path, "SELECT name, count" + of_day + " AND name IN (" + list + ")");
        });
    measure(
        "namespaces", [&] { return hits.namespaces().size(); },
        [&] { return ask(path, "SELECT DISTINCT namespace FROM livecount_counts"); });
  }
  report.print();
  std::printf("\n%-26s %12s\n", "workload", "of SQL");
  for (const auto& [workload, both] : times) {
    std::printf("%-26s %12.2f\n", workload.c_str(), median(both.first) / median(both.second));
  }
}
