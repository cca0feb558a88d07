// SPDX-License-Identifier: BSL-1.0
//
// The commands that only ask: get, top, export. They read the store beside whoever counts into it.
#include <livecount/time_text.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "commands.hpp"
#include "message.hpp"
#include "positions.hpp"
#include "rows.hpp"
#include "store_url.hpp"

namespace program {

namespace {

using livecount::Bucket;
using livecount::Calendar;
using livecount::KeyView;
using livecount::PeriodType;

/// The namespaces asked for, sorted bytewise. Positions of inputs are shown only to those who name them.
std::vector<std::string> namespaces(const Snapshot& moment, std::vector<std::string> wanted) {
  if (wanted.empty()) {
    wanted = moment.namespaces();
    wanted.erase(std::remove(wanted.begin(), wanted.end(), positions_namespace), wanted.end());
  }
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  return wanted;
}

/// The buckets of a period in which something was counted, in the order of time.
std::vector<Bucket> buckets(const Snapshot& moment, const std::string& ns, PeriodType period) {
  std::vector<Bucket> found;
  moment.scan(livecount::Selection{ns, period}, [&](const KeyView& key, livecount::Count) {
    if (found.empty() || found.back() != key.bucket) found.push_back(key.bucket);
    return true;
  });
  return found;
}

/// The buckets that top shows of a namespace.
std::vector<Bucket> wanted_buckets(const Snapshot& moment, const Calendar& calendar,
                                   const TopCommand& command, const std::string& ns) {
  if (!command.period.empty()) {
    const PeriodType period = livecount::parse_period_type(command.period);
    if (command.at.empty()) return buckets(moment, ns, period);
    return {bucket_at("--at", command.at, period, calendar)};
  }
  if (!command.at.empty()) return {bucket_named("--at", command.at, calendar)};
  std::vector<Bucket> longest;
  for (auto type = static_cast<int>(PeriodType::all); type >= 0 && longest.empty(); --type) {
    longest = buckets(moment, ns, static_cast<PeriodType>(type));
  }
  return longest;
}

}  // namespace

int get(const GetCommand& command) {
  const PeriodType period = livecount::parse_period_type(command.period);
  return ask_store(command.store, [&](Store& store, const Calendar& calendar) {
    const Bucket bucket = command.at.empty()
                              ? calendar.bucket(period, livecount::Time(std::chrono::system_clock::now()))
                              : bucket_at("--at", command.at, period, calendar);
    const auto count = store.read(KeyView{command.ns, bucket, command.name});
    if (!count) {
      const std::string key = to_text(KeyView{command.ns, bucket, command.name}).text;
      complain("there is no counter " + to_cell(key).text + " in " + command.store);
      return not_all_done;
    }
    const std::string format = chosen_format(command.format);
    const Shape everything{{Column::ns, Column::period, Column::bucket, Column::name, Column::count}};
    const auto writer =
        make_row_writer(format, format == "table" ? everything : Shape{{Column::count}, false});
    writer->add({command.ns, bucket, 0, command.name, *count});
    writer->finish();
    return all_done;
  });
}

int top(const TopCommand& command) {
  if (!command.period.empty()) (void)livecount::parse_period_type(command.period);
  return ask_store(command.store, [&](Store& store, const Calendar& calendar) {
    const Shape ranks{
        {Column::ns, Column::bucket, Column::rank, Column::name, Column::count},
        true,
        true,
        {Column::ns, Column::period, Column::bucket, Column::rank, Column::name, Column::count}};
    const auto writer = make_row_writer(chosen_format(command.format), ranks);
    const Snapshot moment = store.snapshot();
    for (const std::string& ns : namespaces(moment, command.namespaces)) {
      for (const Bucket& bucket : wanted_buckets(moment, calendar, command, ns)) {
        std::size_t rank = 0;
        for (const livecount::NamedCount& row : moment.top(ns, bucket, command.limit)) {
          writer->add({ns, bucket, ++rank, row.name, row.count});
        }
      }
    }
    writer->finish();
    return all_done;
  });
}

int export_counts(const ExportCommand& command) {
  const livecount::Periods periods =
      command.periods.empty() ? livecount::Periods::every() : livecount::parse_periods(command.periods);
  Shape shape{{Column::bucket, Column::name, Column::count}, false};
  if (command.namespaces.size() != 1 || periods.size() != 1) {
    shape.columns.insert(shape.columns.begin(), {Column::ns, Column::period});
  }
  return ask_store(command.store, [&](Store& store, const Calendar&) {
    const Snapshot moment = store.snapshot();
    const auto writer = make_row_writer(command.format, shape);
    for (const std::string& ns : namespaces(moment, command.namespaces)) {
      for (const PeriodType period : periods) {
        moment.scan(livecount::Selection{ns, period}, [&](const KeyView& key, livecount::Count count) {
          writer->add({ns, key.bucket, 0, key.name, count});
          return true;
        });
      }
    }
    writer->finish();
    return all_done;
  });
}

}  // namespace program
