// SPDX-License-Identifier: BSL-1.0
//
// The command that shows the history of one counter: a value for each bucket, also where nothing was counted.
#include <livecount/time_text.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "commands.hpp"
#include "message.hpp"
#include "rows.hpp"
#include "store_url.hpp"

namespace program {

namespace {

using livecount::Bucket;
using livecount::BucketCount;
using livecount::Calendar;

/// The buckets asked for, with a count of 0 each.
std::vector<BucketCount> wanted_buckets(const RangeCommand& command, const Calendar& calendar) {
  const livecount::PeriodType period = livecount::parse_period_type(command.period);
  const auto begin_of = [&](Bucket bucket) { return calendar.bounds(bucket).from; };
  // What a clock skips is no bucket: then the next one.
  const auto bucket_of = [&](const std::string& option, const std::string& text) {
    return calendar.bucket(period, begin_of(bucket_at(option, text, period, calendar)));
  };
  const Bucket last = command.to.empty()
                          ? calendar.bucket(period, livecount::Time(std::chrono::system_clock::now()))
                          : bucket_of("--to", command.to);
  Bucket first = last;
  if (!command.from.empty()) {
    first = bucket_of("--from", command.from);
    if (last.start < first.start) {
      throw UsageError("--from " + command.from + ": is after --to, which is " + to_scope(last));
    }
  } else if (period != livecount::PeriodType::all) {
    for (std::size_t i = 1; i < command.last; ++i) first = calendar.previous(first);
  }
  return livecount::detail::buckets_between(calendar, first, last);
}

/// For people: the course in one line, then each bucket with a bar.
void print_chart(const RangeCommand& command, const std::vector<BucketCount>& counts) {
  std::vector<std::int64_t> values;
  Table table({{"bucket"}, {"count", Table::Align::right}}, true);
  for (const BucketCount& row : counts) {
    values.push_back(row.count);
    table.add({to_scope(row.bucket), with_commas(row.count)}, row.count);
  }
  Output output;
  output.text = to_cell(command.ns).text + ", " + to_cell(command.name).text + ", " + command.period + " " +
                to_scope(counts.front().bucket) + " to " + to_scope(counts.back().bucket) + "\n";
  output.text += sparkline(values, terminal_width()) + "\n";
  output.text += table.to_text();
  output.flush();
}

}  // namespace

int range(const RangeCommand& command) {
  return ask_store(command.store, [&](Store& store, const Calendar& calendar) {
    std::vector<BucketCount> counts = wanted_buckets(command, calendar);
    {
      const Snapshot moment = store.snapshot();
      for (BucketCount& row : counts) {
        row.count = moment.read({command.ns, row.bucket, command.name}).value_or(0);
      }
    }
    const std::string format = chosen_format(command.format);
    if (format == "table") {
      print_chart(command, counts);
      return all_done;
    }
    const auto writer = make_row_writer(format, Shape{{Column::bucket, Column::count}});
    for (const BucketCount& row : counts) writer->add({command.ns, row.bucket, 0, command.name, row.count});
    writer->finish();
    return all_done;
  });
}

}  // namespace program
