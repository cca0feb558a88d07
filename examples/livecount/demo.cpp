// SPDX-License-Identifier: BSL-1.0
//
// The command that shows what livecount does: it invents four weeks of visits to a web site, counts them by
// hour, day and week, and shows what the counts tell. The same seed gives the same visits with every compiler
// and library.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "message.hpp"
#include "rows.hpp"
#include "store_url.hpp"

namespace program {

namespace {

using livecount::Bucket;
using livecount::Calendar;
using livecount::Count;
using livecount::PeriodType;
using std::chrono::sys_days;
using std::chrono::sys_seconds;

/// Draws numbers 0, 1, 2, ... with the weights given.
class WeightedChoice {
 public:
  explicit WeightedChoice(const std::vector<std::uint64_t>& weights) : sums_(weights) {
    std::partial_sum(sums_.begin(), sums_.end(), sums_.begin());
  }
  std::size_t operator()(std::mt19937_64& random) const {
    const std::uint64_t drawn = random() % sums_.back();
    return static_cast<std::size_t>(std::upper_bound(sums_.begin(), sums_.end(), drawn) - sums_.begin());
  }

 private:
  std::vector<std::uint64_t> sums_;
};

/// Zipf's law: the n-th page is visited 1/n as often as the first.
WeightedChoice zipf(std::size_t pages) {
  std::vector<std::uint64_t> weights;
  for (std::size_t n = 1; n <= pages; ++n) weights.push_back(1'000'000'000 / n);
  return WeightedChoice(weights);
}

constexpr sys_days first_day = std::chrono::year(2026) / std::chrono::March / 2;  // a Monday
constexpr std::size_t weeks = 4;

/// Seconds of visits: few at night and on weekends, a little more each week.
std::vector<sys_seconds> visits(std::uint64_t number, std::mt19937_64& random) {
  static constexpr std::array<std::uint64_t, 24> hours = {14, 9,  6,  4,  4,  6,  13, 25, 43, 60, 68, 66,
                                                          58, 60, 65, 63, 58, 52, 50, 56, 62, 58, 42, 25};
  static constexpr std::array<std::uint64_t, 7> days = {100, 108, 110, 104, 92, 58, 64};
  std::vector<std::uint64_t> weights;
  for (std::size_t hour = 0; hour < weeks * 7 * 24; ++hour) {
    weights.push_back(hours[hour % 24] * days[hour / 24 % 7] * (10 + hour / (24 * 7)));
  }
  const WeightedChoice choose(weights);
  std::vector<sys_seconds> times(number);
  for (sys_seconds& time : times) {
    const auto hour = static_cast<std::int64_t>(choose(random));
    time = first_day + std::chrono::hours(hour) +
           std::chrono::seconds(static_cast<std::int64_t>(random() % 3600));
  }
  std::sort(times.begin(), times.end());
  return times;
}

std::string page(std::size_t n) {
  static constexpr std::array<std::string_view, 12> pages = {"/",
                                                             "/blog/",
                                                             "/about",
                                                             "/docs/",
                                                             "/docs/install",
                                                             "/blog/counting-without-locks",
                                                             "/download",
                                                             "/feed.xml",
                                                             "/café/",
                                                             "/faq",
                                                             "/blog/a-day-in-the-life-of-a-counter",
                                                             "/contact"};
  if (n < pages.size()) return std::string(pages[n]);
  return (n % 3 == 0 ? "/docs/page-" : "/blog/entry-") + std::to_string(n);
}

/// Counts the visits: every page by itself, and all together as the site.
double count_visits(Hits& hits, const DemoCommand& command) {
  std::mt19937_64 random(command.seed);
  std::vector<std::string> pages;
  for (std::size_t n = 0; n < 2000; ++n) pages.push_back(page(n));
  const WeightedChoice choose = zipf(pages.size());
  const std::vector<sys_seconds> times = visits(command.events, random);

  const auto begin = std::chrono::steady_clock::now();
  const livecount::Periods periods = PeriodType::hour | PeriodType::day | PeriodType::week;
  for (const sys_seconds time : times) {
    hits.increment(pages[choose(random)], {.periods = periods, .ns = "page", .at = time});
    hits.increment("visits", {.periods = periods, .ns = "site", .at = time});
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// A table of all visits in each of the buckets.
std::string table_of_visits(Store& store, const std::string& heading, Bucket bucket, std::size_t number) {
  static constexpr std::array<const char*, 7> weekdays = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  const Calendar calendar;
  Table table({{"", Table::Align::left}, {"visits", Table::Align::right}}, true);
  for (std::size_t i = 0; i < number; ++i, bucket = calendar.next(bucket)) {
    const Count count = store.read(livecount::KeyView{"site", bucket, "visits"}).value_or(0);
    const std::string day = bucket.type == PeriodType::day ? std::string(weekdays[i % 7]) + " " : "";
    table.add({day + to_scope(bucket), with_commas(count)}, count);
  }
  return heading + "\n" + table.to_text() + "\n";
}

void show(const std::string& url) {
  ask_store(url, [](Store& store, const Calendar& calendar) {
    const sys_days last_wednesday = first_day + std::chrono::days(7 * (weeks - 1) + 2);
    const Bucket day = calendar.bucket(PeriodType::day, sys_seconds(last_wednesday));
    Table best(
        {{"", Table::Align::right}, {"page", Table::Align::left, true}, {"visits", Table::Align::right}},
        true);
    std::size_t rank = 0;
    for (const auto& row : store.snapshot().top("page", day, 10)) {
      best.add({std::to_string(++rank), row.name, with_commas(row.count)}, row.count);
    }
    Output output;
    output.text = "The ten pages visited most on Wed " + to_scope(day) + "\n" + best.to_text() + "\n";
    const Bucket fortnight = calendar.bucket(PeriodType::day, first_day + std::chrono::days(7 * (weeks - 2)));
    output.text += table_of_visits(store, "Visits of the last two weeks, by day", fortnight, 14);
    const Bucket midnight = calendar.bucket(PeriodType::hour, sys_seconds(last_wednesday));
    output.text += table_of_visits(store, "Visits on Wed " + to_scope(day) + ", by hour", midnight, 24);
    output.flush();
    return 0;
  });
}

/// A new store in the folder for temporary files. An older one of ours is removed first.
std::string temporary_store() {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("livecount-demo-" + std::to_string(::getuid()) + ".db"))
          .string();
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::error_code error;
    std::filesystem::remove(path + suffix, error);
    if (error)
      throw UsageError("cannot remove the old " + path + ": " + error.message() + "; name a --store");
  }
  return "sqlite:" + path;
}

}  // namespace

int demo(const DemoCommand& command) {
  StoreChoice choice;
  choice.url = command.store.empty() ? temporary_store() : command.store;
  Hits hits(counter_options(choice));
  const double seconds = count_visits(hits, command);
  const livecount::CloseReport report = write_and_close(hits);
  if (!report.clean) {
    complain("the counts could not be written to " + choice.url + ": " + report.message);
    return store_failed;
  }
  show(choice.url);
  say("counted " + quantity(command.events, "visit") + " in " + with_tenths(seconds) +
      " s, each in six counters; they are in " + choice.url);
  say("try: livecount top --store " + choice.url + " --namespace page --period week --limit 5");
  return all_done;
}

}  // namespace program
