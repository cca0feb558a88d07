// SPDX-License-Identifier: BSL-1.0
//
// Every question of a Counter against the same question in SQL over a plain table of all events, with the dates cut by
// SQLite's own functions.
//
//     questions combined|tsv FILE FOLDER
//
// For each store, with a small cache, which evicts all the time, and a large one: while a thread counts (then an answer
// lies between the events before the question and those after it), with the last events not yet written, and when
// everything is (then it is exactly that of SQL).
#include <livecount/sqlite.hpp>

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "../../examples/livecount/combined_log.hpp"
#include "../../examples/livecount/lines.hpp"
#include "../../examples/livecount/tsv.hpp"

namespace {

using namespace livecount;
using std::chrono::seconds;
using std::chrono::sys_seconds;

struct OneEvent {
  sys_seconds at;
  std::string ns, name;
  Count delta;
};

std::vector<OneEvent> read_events(const std::string& format, const std::string& path) {
  std::unique_ptr<program::LineParser> parser;
  if (format == "tsv") {
    parser = std::make_unique<program::Tsv>(Calendar{});
  } else {
    parser = std::make_unique<program::CombinedLog>(program::CombinedLog::Wanted{});
  }
  const auto input = program::open_input(path);
  program::LineReader lines(*input, {});
  std::vector<OneEvent> events;
  program::Line line;
  while (lines.next_block()) {
    while (lines.next(line)) {
      program::LineEvents found;
      if (!parser->parse(line.text, found).empty()) throw std::runtime_error("a line cannot be read");
      for (const program::Event& event : found) {
        events.push_back({event.at, std::string(event.ns), std::string(event.name), event.delta});
      }
    }
  }
  return events;
}

// ---- the table of all events

/// What SQLite makes of a time: the seconds at which the bucket begins.
std::string bucket_sql(PeriodType type) {
  const auto begin = [](const std::string& how) { return "CAST(strftime('%s', " + how + ") AS INTEGER)"; };
  switch (type) {
    case PeriodType::hour: return begin("strftime('%Y-%m-%d %H:00:00', at, 'unixepoch')");
    case PeriodType::day: return begin("at, 'unixepoch', 'start of day'");
    case PeriodType::week:  // the Monday before or on that day
      return begin("at, 'unixepoch', 'start of day', '-6 days', 'weekday 1'");
    case PeriodType::month: return begin("at, 'unixepoch', 'start of month'");
    default: return "0";
  }
}

class EventTable {
 public:
  explicit EventTable(const std::vector<OneEvent>& events)
      : connection_(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, seconds(1)) {
    connection_.execute(
        "CREATE TABLE events (number INTEGER PRIMARY KEY, at INTEGER, ns BLOB, name BLOB, delta INTEGER)");
    connection_.execute("BEGIN");
    detail::SqliteStatement insert(connection_, "INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5)");
    for (std::size_t i = 0; i < events.size(); ++i) {
      insert.bind(1, static_cast<std::int64_t>(i)).bind(2, events[i].at.time_since_epoch().count());
      insert.bind_blob(3, events[i].ns).bind_blob(4, events[i].name).bind(5, events[i].delta).run();
    }
    for (const PeriodType type : {PeriodType::hour, PeriodType::day, PeriodType::week, PeriodType::month}) {
      const std::string name(to_string(type));
      connection_.execute("ALTER TABLE events ADD " + name);
      connection_.execute("UPDATE events SET " + name + " = " + bucket_sql(type));
      connection_.execute("CREATE INDEX by_" + name + " ON events (ns, " + name + ", name, delta)");
    }
    connection_.execute("ALTER TABLE events ADD \"all\"");
    connection_.execute("UPDATE events SET \"all\" = 0");
    connection_.execute("CREATE INDEX by_all ON events (ns, \"all\", name, delta)");
    connection_.execute("CREATE INDEX by_name ON events (ns, name)");
    connection_.execute("COMMIT");
  }

  /// The sums of the first `number` events that lie in a bucket, by name.
  [[nodiscard]] std::map<std::string, Count> counts(std::string_view ns, Bucket bucket, std::size_t number) {
    std::map<std::string, Count> counts;
    for (const NamedCount& row : ask("SELECT name, sum(delta) FROM events WHERE ns = ?1 AND " +
                                         column(bucket.type) + " = ?2 AND number < ?3 GROUP BY name",
                                     ns, bucket.start, number)) {
      counts.insert_or_assign(row.name, row.count);
    }
    return counts;
  }
  [[nodiscard]] const std::vector<NamedCount>& top(std::string_view ns, Bucket bucket, std::size_t number,
                                                   std::size_t limit) {
    return ask("SELECT name, sum(delta) FROM events WHERE ns = ?1 AND " + column(bucket.type) +
                   " = ?2 AND number < ?3 GROUP BY name ORDER BY 2 DESC, 1 LIMIT " + std::to_string(limit),
               ns, bucket.start, number);
  }
  /// Buckets in which something was counted.
  [[nodiscard]] std::map<std::int64_t, Count> history(std::string_view ns, std::string_view name,
                                                      PeriodType type, std::size_t number) {
    std::map<std::int64_t, Count> counts;
    for (const NamedCount& row :
         ask("SELECT CAST(" + column(type) +
                 " AS TEXT), sum(delta) FROM events WHERE ns = ?1 AND ?2 = 0 AND number < ?3 AND name = ?4 "
                 "GROUP BY 1",
             ns, 0, number, name)) {
      counts[std::stoll(row.name)] = row.count;
    }
    return counts;
  }
  [[nodiscard]] std::vector<std::string> names(std::string_view ns, std::string_view prefix,
                                               std::string_view after, std::size_t number,
                                               std::size_t limit) {
    std::vector<std::string> names;
    for (const NamedCount& row :
         ask("SELECT DISTINCT name, 0 FROM events WHERE ns = ?1 AND ?2 = 0 AND number < ?3 AND "
             "substr(name, 1, length(?4)) = ?4 AND name > ?5 ORDER BY name LIMIT " +
                 std::to_string(limit),
             ns, 0, number, prefix, after)) {
      names.push_back(row.name);
    }
    return names;
  }

 private:
  static std::string column(PeriodType type) { return "\"" + std::string(to_string(type)) + "\""; }

  /// The events never change, and each store is asked the same: an answer is kept.
  const std::vector<NamedCount>& ask(const std::string& sql, std::string_view ns, std::int64_t start,
                                     std::size_t number, std::string_view name = {},
                                     std::string_view after = {}) {
    const auto [found, is_new] = answers_.try_emplace(Question(sql, ns, start, number, name, after));
    if (!is_new) return found->second;
    detail::SqliteStatement select(connection_, sql);
    select.bind_blob(1, ns).bind(2, start).bind(3, static_cast<std::int64_t>(number));
    if (sql.find("?4") != std::string::npos) select.bind_blob(4, name);
    if (sql.find("?5") != std::string::npos) select.bind_blob(5, after);
    while (select.step()) found->second.push_back({std::string(select.bytes(0)), select.integer(1)});
    return found->second;
  }

  using Question = std::tuple<std::string, std::string, std::int64_t, std::size_t, std::string, std::string>;

  detail::SqliteConnection connection_;
  std::map<Question, std::vector<NamedCount>> answers_;
};

// ---- the comparison

std::size_t checks = 0;

void require(bool agreed, const std::string& what) {
  ++checks;
  if (!agreed) throw std::runtime_error(what);
}

struct Asked {
  std::string ns, name, prefix;
  Bucket bucket;
  sys_seconds at;
};

const Calendar utc;

/// Some questions that have interesting answers: about an event here and there.
std::vector<Asked> questions_about(const std::vector<OneEvent>& events, std::size_t number) {
  std::vector<Asked> asked;
  const PeriodType types[] = {PeriodType::hour, PeriodType::day, PeriodType::week, PeriodType::month,
                              PeriodType::all};
  for (std::size_t i = 0; i < number; ++i) {
    const OneEvent& event = events[(i * 7919 + 13) % events.size()];
    const Bucket bucket = utc.bucket(types[i % 5], event.at);
    asked.push_back({event.ns, event.name, event.name.substr(0, 1 + i % 3), bucket, event.at});
  }
  return asked;
}

template <class Counter>
class Comparison {
 public:
  Comparison(Counter& hits, EventTable& table, const std::vector<OneEvent>& events)
      : hits_(hits), table_(table), events_(events) {
    for (const OneEvent& event : events) {
      first_ = std::min(first_, event.at);
      last_ = std::max(last_, event.at);
    }
  }

  /// Nobody counts, and `number` events are counted: everything is as SQL says.
  void ask_all(std::size_t number, std::size_t rounds) {
    for (const Asked& asked : questions_about(events_, rounds)) {
      const auto& [ns, name, prefix, bucket, at] = asked;
      const auto counts = table_.counts(ns, bucket, number);
      const std::string about = ns + ", " + name + ", " + to_scope(bucket);
      for (const std::size_t limit : {std::size_t{1}, std::size_t{20}, std::size_t{1'000'000}}) {
        require(hits_.top({.period = bucket.type, .ns = ns, .at = at, .limit = limit}) ==
                    table_.top(ns, bucket, number, limit),
                "top: " + about);
      }
      Count sum = 0;
      for (const auto& [one, count] : counts) sum += one.substr(0, prefix.size()) == prefix ? count : 0;
      require(hits_.sum({.period = bucket.type, .ns = ns, .at = at, .prefix = prefix}) == sum,
              "sum: " + about);
      ask_history(asked, number);
      ask_names(asked, number);
      ask_many(asked, counts);
    }
    std::vector<std::string> found = hits_.namespaces();
    require(found == namespaces_of(number), "namespaces");
  }

  /// Others count meanwhile: `before` events were counted when the question was asked, at most `after()` when it was
  /// answered.
  template <class After>
  void ask_beside(const Asked& asked, std::size_t before, After after) {
    const auto& [ns, name, prefix, bucket, at] = asked;
    const std::vector<NamedCount> top = hits_.top({.period = bucket.type, .ns = ns, .at = at, .limit = 20});
    const Count sum = hits_.sum({.period = bucket.type, .ns = ns, .at = at, .prefix = prefix});
    const auto range = hits_.range(name, {.period = PeriodType::day, .ns = ns, .from = first_, .to = last_});
    const std::size_t until = after();
    const auto least = table_.counts(ns, bucket, before), most = table_.counts(ns, bucket, until);

    const std::string about = " beside a writer: " + ns + ", " + to_scope(bucket);
    std::map<std::string, Count> shown;
    for (std::size_t i = 0; i < top.size(); ++i) {
      const auto low = least.find(top[i].name), high = most.find(top[i].name);
      require(high != most.end() && top[i].count <= high->second, "top has too much" + about);
      require(low == least.end() || low->second <= top[i].count, "top has too little" + about);
      require(i == 0 || top[i - 1].count > top[i].count ||
                  (top[i - 1].count == top[i].count && top[i - 1].name < top[i].name),
              "top is out of order" + about);
      shown[top[i].name] = top[i].count;
    }
    for (const auto& [other, count] : least) {
      const bool missing = shown.count(other) == 0 && (top.size() < 20 || count > top.back().count);
      require(!missing, "top lacks " + other + about);
    }
    const auto sum_of = [&,
                         begin = std::string_view(asked.prefix)](const std::map<std::string, Count>& counts) {
      Count total = 0;
      for (const auto& [one, count] : counts) total += one.substr(0, begin.size()) == begin ? count : 0;
      return total;
    };
    require(sum_of(least) <= sum && sum <= sum_of(most), "sum" + about);

    auto low = table_.history(ns, name, PeriodType::day, before);
    auto high = table_.history(ns, name, PeriodType::day, until);
    for (const BucketCount& row : range) {
      require(low[row.bucket.start] <= row.count && row.count <= high[row.bucket.start], "range" + about);
    }
  }

 private:
  void ask_history(const Asked& asked, std::size_t number) {
    for (const PeriodType type : {PeriodType::day, PeriodType::hour, PeriodType::month}) {
      auto history = table_.history(asked.ns, asked.name, type, number);
      // A day before and after all events: zeros.
      const auto range = hits_.range(asked.name, {.period = type,
                                                  .ns = asked.ns,
                                                  .from = first_ - std::chrono::days(1),
                                                  .to = last_ + std::chrono::days(1)});
      Bucket expected = utc.bucket(type, first_ - std::chrono::days(1));
      std::size_t counted = 0;
      for (const BucketCount& row : range) {
        require(row.bucket == expected, "range lacks a bucket: " + asked.name);
        const auto found = history.find(row.bucket.start);
        require(row.count == (found == history.end() ? 0 : found->second), "range: " + asked.name);
        if (found != history.end()) ++counted;
        expected = utc.next(expected);
      }
      require(counted == history.size(), "range ends too early: " + asked.name);
    }
    // The five hours before this one.
    auto history = table_.history(asked.ns, asked.name, PeriodType::hour, number);
    const Bucket now = utc.bucket(PeriodType::hour, asked.at);
    Count sum = 0;
    for (int i = 1; i <= 5; ++i) {
      const auto found = history.find(now.start - i * 3600);
      sum += found == history.end() ? 0 : found->second;
    }
    const double rate =
        hits_.rate(asked.name, {.period = PeriodType::hour, .ns = asked.ns, .buckets = 5, .at = asked.at});
    require(std::abs(rate - static_cast<double>(sum) / (5 * 3600)) < 1e-12, "rate: " + asked.name);
  }

  void ask_names(const Asked& asked, std::size_t number) {
    std::string after;
    for (int page = 0; page < 3; ++page) {
      const auto found = hits_.names(
          {.period = PeriodType::month, .ns = asked.ns, .prefix = asked.prefix, .after = after, .limit = 7});
      require(found == table_.names(asked.ns, asked.prefix, after, number, 7),
              "names: " + asked.ns + ", " + asked.prefix);
      if (found.size() < 7) return;
      after = found.back();
    }
  }

  void ask_many(const Asked& asked, const std::map<std::string, Count>& counts) {
    std::vector<std::string> names{"never", asked.name};
    for (const auto& [name, count] : counts) {
      if (names.size() < 50) names.push_back(name);
    }
    const std::vector<std::string_view> views(names.begin(), names.end());
    const auto found = hits_.get_many(views, {.period = asked.bucket.type, .ns = asked.ns, .at = asked.at});
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto wanted = counts.find(names[i]);
      require(found[i] == (wanted == counts.end() ? std::nullopt : std::optional(wanted->second)),
              "get_many: " + names[i]);
    }
  }

  std::vector<std::string> namespaces_of(std::size_t number) {
    std::vector<std::string> namespaces;
    for (std::size_t i = 0; i < number; ++i) namespaces.push_back(events_[i].ns);
    std::sort(namespaces.begin(), namespaces.end());
    namespaces.erase(std::unique(namespaces.begin(), namespaces.end()), namespaces.end());
    return namespaces;
  }

  Counter& hits_;
  EventTable& table_;
  const std::vector<OneEvent>& events_;
  sys_seconds first_ = sys_seconds::max(), last_ = sys_seconds::min();
};

template <class Store>
void compare(typename Store::Options store, std::size_t entries, const std::vector<OneEvent>& events,
             EventTable& table) {
  using Hits = Counter<LockFreeCache, Store, JthreadQueue>;
  typename Hits::Options options;
  options.cache.entries = entries;
  options.store = std::move(store);
  options.queue.max_delay = std::chrono::milliseconds(5);
  options.when_full = Limit::flush;
  Hits hits(options);
  Comparison<Hits> comparison(hits, table, events);
  const auto count = [&](const OneEvent& event) {
    using enum PeriodType;
    hits.increment(
        event.name,
        {.periods = hour | day | week | month | all, .ns = event.ns, .delta = event.delta, .at = event.at});
  };

  // A thread counts all but the last few; it is allowed to be a hundred events ahead of the questions.
  const std::size_t held_back = std::min<std::size_t>(events.size() / 10, 200);
  const std::size_t beside = events.size() - held_back;
  std::atomic<std::size_t> begun{0}, done{0}, allowed{0};
  std::atomic<bool> failed{false};
  std::thread writer([&] {
    try {
      for (std::size_t i = 0; i < beside; ++i) {
        while (allowed.load() <= i) std::this_thread::yield();
        begun = i + 1;
        count(events[i]);
        done = i + 1;
      }
    } catch (const std::exception& error) {
      std::cerr << error.what() << '\n';
      failed = true;
    }
  });
  try {
    constexpr std::size_t rounds = 20;
    const std::vector<Asked> asked = questions_about(events, rounds);
    for (std::size_t i = 0; i < rounds; ++i) {
      const std::size_t begin = beside * (i + 1) / (rounds + 1);
      allowed = begin;
      while (done.load() < begin && !failed) std::this_thread::yield();
      allowed = std::min(begin + 100, beside);
      comparison.ask_beside(asked[i], done.load(), [&] { return begun.load(); });
    }
  } catch (...) {
    allowed = beside;
    writer.join();
    throw;
  }
  allowed = beside;
  writer.join();
  require(!failed, "the writer failed");

  for (std::size_t i = beside; i < events.size(); ++i) count(events[i]);
  comparison.ask_all(events.size(), 5);  // some of the last events are pending
  hits.flush();
  comparison.ask_all(events.size(), 15);
  require(hits.drop_clean() > 0, "nothing to drop");
  comparison.ask_all(events.size(), 5);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  try {
    const std::vector<OneEvent> events = read_events(argv[1], argv[2]);
    EventTable table(events);
    const std::filesystem::path folder = argv[3];
    for (const std::size_t entries : {std::size_t{1000}, std::size_t{1'000'000}}) {
      const std::string name = std::to_string(entries);
      compare<MemoryStore>({}, entries, events, table);
      compare<FileStore>({.path = folder / (name + ".journal"), .sync = FileSync::never}, entries, events,
                         table);
      compare<SqliteStore>({.path = folder / (name + ".db"), .synchronous = Synchronous::off}, entries,
                           events, table);
      std::cout << events.size() << " events, a cache of " << entries << ": " << checks << " answers agree\n";
    }
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
