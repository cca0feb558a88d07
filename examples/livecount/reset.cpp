// SPDX-License-Identifier: BSL-1.0
//
// The command that sets one counter to 0 and shows what it was, or removes it.
#include <livecount/time_text.hpp>

#include <chrono>
#include <optional>
#include <string>

#include "commands.hpp"
#include "message.hpp"
#include "positions.hpp"
#include "rows.hpp"
#include "store_url.hpp"
#include "text.hpp"

namespace program {

int reset(const ResetCommand& command) {
  if (command.ns == positions_namespace) {
    throw UsageError("--namespace " + command.ns + ": is the one in which positions are kept");
  }
  require_store(command.store.url);
  const livecount::PeriodType period = livecount::parse_period_type(command.period);
  const Hits::Options options = counter_options(command.store);
  const livecount::Calendar calendar = options.calendar;
  const livecount::Time now{std::chrono::system_clock::now()};
  const livecount::Bucket bucket =
      command.at.empty() ? calendar.bucket(period, now) : bucket_at("--at", command.at, period, calendar);
  // Any time in the bucket names it.
  const livecount::Lookup lookup{
      .period = period,
      .ns = command.ns,
      .at = period == livecount::PeriodType::all ? now : livecount::Time(calendar.bounds(bucket).from)};

  Hits hits(options);
  const std::optional<livecount::Count> was =
      command.remove ? hits.get(command.name, lookup) : hits.get_and_reset(command.name, lookup);
  if (command.remove) hits.remove(command.name, lookup);
  const livecount::CloseReport report = write_and_close(hits);
  if (!report.clean) {
    complain("the change could not be written to " + command.store.url + ": " + report.message);
    return store_failed;
  }
  if (!was) {
    const std::string key = to_text(livecount::KeyView{command.ns, bucket, command.name}).text;
    complain("there is no counter " + to_cell(key).text + " in " + command.store.url);
    return not_all_done;
  }
  const Shape shape{{Column::ns, Column::period, Column::bucket, Column::name, Column::count}};
  const auto writer = make_row_writer(chosen_format(command.format), shape);
  writer->add({command.ns, bucket, 0, command.name, *was});
  writer->finish();
  return all_done;
}

}  // namespace program
