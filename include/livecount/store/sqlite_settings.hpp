// SPDX-License-Identifier: BSL-1.0
// What the counts of an SQLite database mean: the table livecount_settings.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "../detail/sqlite_handle.hpp"
#include "../record.hpp"
#include "settings.hpp"

namespace livecount::inline v0_1::detail {

/// Nothing in a new database.
[[nodiscard]] inline std::optional<Settings> read_settings(SqliteConnection& connection) {
  SqliteStatement select(connection, "SELECT name, value FROM livecount_settings");
  std::optional<Settings> settings;
  while (select.step()) {
    if (!settings) settings.emplace();
    const std::string_view name = select.bytes(0);
    const std::string_view value = select.bytes(1);
    if (name == "calendar") settings->calendar = value;
    if (name == "week_start")
      settings->week_start = value == "monday" ? WeekStart::monday : WeekStart::sunday;
    if (name == "floor") settings->floor = value == "zero" ? Floor::zero : Floor::none;
  }
  return settings;
}

inline void write_settings(SqliteConnection& connection, const Settings& settings) {
  SqliteStatement insert(connection, "INSERT INTO livecount_settings (name, value) VALUES (?, ?)");
  insert.bind_text(1, "calendar").bind_text(2, settings.calendar).run();
  insert.bind_text(1, "week_start").bind_text(2, week_start_text(settings.week_start)).run();
  insert.bind_text(1, "floor").bind_text(2, floor_text(settings.floor)).run();
}

}  // namespace livecount::inline v0_1::detail
