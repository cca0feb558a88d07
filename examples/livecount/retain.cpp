// SPDX-License-Identifier: BSL-1.0
//
// The command that lets old buckets go, and shows since when buckets are kept.
#include <livecount/time_text.hpp>

#include <charconv>
#include <chrono>
#include <string>
#include <string_view>
#include <system_error>

#include "commands.hpp"
#include "message.hpp"
#include "rows.hpp"
#include "store_url.hpp"

namespace program {

namespace {

using livecount::Horizons;
using livecount::PeriodType;

struct FixedClock {
  livecount::Time time;
  [[nodiscard]] livecount::Time now() const noexcept { return time; }
};

/// "90min". Throws: UsageError.
std::chrono::seconds duration_of(const std::string& rule, std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  const std::int64_t seconds = unit == "s"     ? 1
                               : unit == "min" ? 60
                               : unit == "h"   ? 3600
                               : unit == "d"   ? 86'400
                                               : 0;
  constexpr std::int64_t most = 300 * std::int64_t{366};  // in any unit
  if (error != std::errc() || seconds == 0 || number < 1 || number > most * 86'400 / seconds) {
    throw UsageError(rule +
                     ": write how long buckets are kept as a number of s, min, h or d, for example hour=30d");
  }
  return std::chrono::seconds(number * seconds);
}

/// Throws: UsageError.
livecount::Retention retention_of(const RetainCommand& command) {
  livecount::Retention retention;
  for (const std::string& rule : command.rules) {
    const std::size_t equals = rule.find('=');
    if (equals == std::string::npos) {
      throw UsageError(rule + ": is no rule such as hour=30d: a period, = and how long its buckets are kept");
    }
    try {
      retention.keep(livecount::parse_period_type(rule.substr(0, equals)),
                     duration_of(rule, rule.substr(equals + 1)));
    } catch (const livecount::Error& error) {
      throw UsageError(rule + ": " + error.what());
    }
  }
  return retention;
}

/// Lets all go that is old by the clock, in small transactions.
void trust_clock(Store& store, const livecount::Retention& retention, livecount::Time now,
                 const livecount::Calendar& calendar) {
  constexpr std::size_t rows_at_a_time = 1000;
  for (const PeriodType type : livecount::Periods::every()) {
    if (retention.of(type).count() == 0) continue;
    const livecount::Bucket first = retention.first_kept(type, now, calendar);
    while (store.expire(first, rows_at_a_time)) {
    }
  }
}

/// Returns the exit status, and the horizons then.
int let_go(const RetainCommand& command, const livecount::Retention& retention, Horizons& horizons) {
  using Keeper = livecount::Counter<livecount::NullCache, Store, livecount::ManualQueue, FixedClock>;
  Keeper::Options options = counter_options<Keeper>(command.store);
  options.retention = retention;
  options.clock.time = command.now.empty() ? livecount::Time(std::chrono::system_clock::now())
                                           : livecount::parse_time(command.now, options.calendar);
  Keeper keeper(options);
  int status = all_done;
  try {
    if (command.trust_clock) {
      trust_clock(keeper.store(), retention, options.clock.time, options.calendar);
    } else {
      keeper.retain();
    }
  } catch (const livecount::Error& error) {
    if (error.code() != livecount::Errc::clock_jump) throw;
    complain(std::string(error.what()) +
             " If it is, give the same command once more, or with --trust-clock.");
    status = not_all_done;
  }
  horizons = keeper.store().horizons();
  return status;
}

}  // namespace

int retain(const RetainCommand& command) {
  const livecount::Retention retention = retention_of(command);
  require_store(command.store.url);
  Horizons horizons;
  int status = all_done;
  if (retention.empty()) {
    horizons = Store({.url = command.store.url, .read_only = true}).horizons();
  } else {
    status = let_go(command, retention, horizons);
  }
  const std::vector<Column> columns{Column::period, Column::bucket};
  const auto writer =
      make_row_writer(chosen_format(command.format), Shape{.columns = columns, .all = columns});
  for (const PeriodType type : livecount::Periods::every()) {
    if (horizons[type] != Horizons::none) writer->add({{}, {type, horizons[type]}, 0, {}, 0});
  }
  writer->finish();
  return status;
}

}  // namespace program
