// SPDX-License-Identifier: BSL-1.0
//
// The command that changes one counter, in one or several periods at once, and shows what became of it.
#include <livecount/time_text.hpp>

#include <chrono>
#include <optional>

#include "commands.hpp"
#include "message.hpp"
#include "positions.hpp"
#include "rows.hpp"
#include "store_url.hpp"

namespace program {

int increment(const IncrementCommand& command) {
  if (command.ns == positions_namespace) {
    throw UsageError("--namespace " + command.ns + ": is the one in which positions are kept");
  }
  const livecount::Periods periods = livecount::parse_periods(command.periods);
  const Hits::Options options = counter_options(command.store);
  const livecount::Calendar calendar = options.calendar;
  const livecount::Time at = command.at.empty() ? livecount::Time(std::chrono::system_clock::now())
                                                : livecount::parse_time(command.at, calendar);
  Hits hits(options);
  hits.increment(command.name, {.periods = periods, .ns = command.ns, .delta = command.delta, .at = at});
  const livecount::CloseReport report = write_and_close(hits);
  if (!report.clean) {
    complain("the change could not be written to " + command.store.url + ": " + report.message);
    return store_failed;
  }

  return ask_store(command.store.url, [&](Store& store, const livecount::Calendar&) {
    const Shape shape{{Column::ns, Column::period, Column::bucket, Column::name, Column::count}};
    const auto writer = make_row_writer(chosen_format(command.format), shape);
    for (const livecount::PeriodType period : periods) {
      const livecount::Bucket bucket = calendar.bucket(period, at);
      const auto count = store.read(livecount::KeyView{command.ns, bucket, command.name});
      writer->add({command.ns, bucket, 0, command.name, count.value_or(0)});
    }
    writer->finish();
    return all_done;
  });
}

}  // namespace program
