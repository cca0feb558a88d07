// SPDX-License-Identifier: BSL-1.0
//
// Where counts live, as written on the command line: "sqlite:hits.db". The one place that knows the kinds of
// stores.
#pragma once

#include <livecount/sqlite.hpp>
#include <livecount/zone.hpp>

#include <chrono>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace program {

/// The command line asks for something that cannot be.
class UsageError : public std::runtime_error {
  using runtime_error::runtime_error;
};

inline constexpr std::string_view known_stores = "sqlite:PATH";
inline constexpr const char* default_store = "sqlite:livecount.db";

/// The path in "sqlite:PATH". Throws: UsageError.
[[nodiscard]] inline std::string sqlite_path(const std::string& url) {
  constexpr std::string_view kind = "sqlite:";
  if (url.rfind(kind, 0) != 0 || url.size() == kind.size()) {
    throw UsageError("--store " + url + ": is not a store; write " + std::string(known_stores) +
                     ", for example sqlite:hits.db");
  }
  return url.substr(kind.size());
}

/// How a counter is to be opened. What is not said is as the store was made, or the default for a new one.
struct StoreChoice {
  std::string url = default_store;
  std::string zone;
  std::string week_start;
  bool no_floor = false;
  std::string synchronous = "full";
};

/// Lets `use(store, calendar)` read an existing store.
template <class Use>
auto ask_store(const std::string& url, Use use) {
  const std::string path = sqlite_path(url);
  if (!std::filesystem::exists(path)) {
    throw livecount::Error(livecount::Errc::store_unavailable,
                           "there is no store at " + path + " yet: livecount count and increment make one");
  }
  livecount::SqliteStore store({.path = path, .read_only = true});
  const livecount::Settings settings = store.settings().value_or(livecount::Settings{});
  return use(store, livecount::parse_calendar(settings.calendar, settings.week_start));
}

[[nodiscard]] inline livecount::Settings settings_of(const std::string& url) {
  const std::string path = sqlite_path(url);
  if (!std::filesystem::exists(path)) return {};
  return livecount::SqliteStore({.path = path, .read_only = true}).settings().value_or(livecount::Settings{});
}

/// The counter of the program: no locks in the cache, SQLite behind a thread that writes.
using Hits = livecount::Counter<livecount::LockFreeCache, livecount::SqliteStore, livecount::JthreadQueue>;

[[nodiscard]] inline Hits::Options counter_options(const StoreChoice& choice) {
  const livecount::Settings made = settings_of(choice.url);
  livecount::WeekStart week_start = made.week_start;
  if (choice.week_start == "monday") week_start = livecount::WeekStart::monday;
  if (choice.week_start == "sunday") week_start = livecount::WeekStart::sunday;

  Hits::Options options;
  options.store.path = sqlite_path(choice.url);
  options.store.synchronous = choice.synchronous == "off"      ? livecount::Synchronous::off
                              : choice.synchronous == "normal" ? livecount::Synchronous::normal
                                                               : livecount::Synchronous::full;
  options.calendar = livecount::parse_calendar(choice.zone.empty() ? made.calendar : choice.zone, week_start);
  options.floor = choice.no_floor ? livecount::Floor::none : made.floor;
  options.when_full = livecount::Limit::flush;
  return options;
}

/// Writes all counts, however long that takes while the store takes them; gives up 10 s after it takes no
/// more.
[[nodiscard]] inline livecount::CloseReport write_and_close(Hits& hits) {
  try {
    hits.flush();
  } catch (const livecount::Error&) {  // close tries again, and tells
  }
  return hits.close(std::chrono::seconds(10));
}

/// The bucket that `text` means: its scope ("2015-05-18", "2015-05-18week"), or a date or a time that lies in
/// it.
[[nodiscard]] inline livecount::Bucket bucket_at(const std::string& text, livecount::PeriodType period,
                                                 const livecount::Calendar& calendar) {
  try {
    return livecount::parse_scope(period, text, calendar.week_start());
  } catch (const livecount::Error& error) {
    if (const auto time = livecount::try_parse_time(text, calendar)) return calendar.bucket(period, *time);
    throw UsageError("--at " + text + ": is neither a time nor a date, and " + error.what());
  }
}

}  // namespace program
