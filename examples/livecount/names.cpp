// SPDX-License-Identifier: BSL-1.0
//
// The command that lists names, or namespaces, page by page.
#include <algorithm>
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

using livecount::Calendar;
using livecount::KeyView;
using livecount::PeriodType;
using livecount::Selection;

/// The longest period type that was counted; of nothing, all.
PeriodType longest_period(const Snapshot& moment, const std::string& ns) {
  for (auto type = static_cast<int>(PeriodType::all); type >= 0; --type) {
    bool counted = false;
    moment.scan(Selection{ns, static_cast<PeriodType>(type)}, [&](const KeyView&, livecount::Count) {
      counted = true;
      return false;
    });
    if (counted) return static_cast<PeriodType>(type);
  }
  return PeriodType::all;
}

/// Of all namespaces what Selection and `after` leave of names.
Selection wanted(const Snapshot& moment, const Calendar& calendar, const NamesCommand& command) {
  const bool any_period = command.period.empty();
  if (any_period && !command.at.empty()) {
    return only(command.ns, bucket_named("--at", command.at, calendar), command.prefix);
  }
  const PeriodType period =
      any_period ? longest_period(moment, command.ns) : livecount::parse_period_type(command.period);
  if (!command.at.empty()) {
    return only(command.ns, bucket_at("--at", command.at, period, calendar), command.prefix);
  }
  return {.ns = command.ns, .type = period, .prefix = command.prefix};
}

std::vector<std::string> page_of_namespaces(const Snapshot& moment, const NamesCommand& command,
                                            std::size_t limit) {
  std::vector<std::string> page;
  for (std::string& ns : moment.namespaces()) {
    const bool wanted = ns.compare(0, command.prefix.size(), command.prefix) == 0 &&
                        (command.first_page || ns > command.after) && ns != positions_namespace;
    if (wanted && page.size() < limit) page.push_back(std::move(ns));
  }
  return page;
}

std::vector<std::string> page_of_names(const Snapshot& moment, const Calendar& calendar,
                                       const NamesCommand& command, std::size_t limit) {
  const Selection selection = wanted(moment, calendar, command);
  const auto after = command.first_page ? std::nullopt : std::optional<std::string_view>(command.after);
  return moment.names(selection, after, limit);
}

}  // namespace

int names(const NamesCommand& command) {
  if (!command.period.empty()) (void)livecount::parse_period_type(command.period);
  return ask_store(command.store, [&](Store& store, const Calendar& calendar) {
    const std::size_t limit = command.limit + 1;  // one more shows whether there are more
    std::vector<std::string> page;
    {
      const Snapshot moment = store.snapshot();
      page = command.namespaces ? page_of_namespaces(moment, command, limit)
                                : page_of_names(moment, calendar, command, limit);
    }
    const bool more = page.size() > command.limit;
    page.resize(std::min(page.size(), command.limit));

    Shape shape{{command.namespaces ? Column::ns : Column::name}, false};
    shape.all = {Column::ns};
    if (!command.namespaces) shape.all.push_back(Column::name);
    const auto writer = make_row_writer(chosen_format(command.format), shape);
    for (const std::string& name : page) {
      writer->add({command.namespaces ? name : command.ns, {}, 0, name});
    }
    writer->finish();
    if (more) {
      say("livecount: there are more; the next page begins with --after " + to_cell(page.back()).text);
    }
    return all_done;
  });
}

}  // namespace program
