// SPDX-License-Identifier: BSL-1.0
// Settings as stores on disk keep them, and as they tell people of others than were asked for.
#pragma once

#include <string>
#include <string_view>

#include "../detail/quote.hpp"
#include "../error.hpp"
#include "../record.hpp"

namespace livecount::inline v0_1::detail {

[[nodiscard]] inline std::string_view week_start_text(WeekStart start) noexcept {
  return start == WeekStart::monday ? "monday" : "sunday";
}
[[nodiscard]] inline std::string_view floor_text(Floor floor) noexcept {
  return floor == Floor::zero ? "zero" : "none";
}
[[nodiscard]] inline std::string describe(const Settings& settings) {
  return "calendar " + quote(settings.calendar) + ", weeks from " +
         std::string(week_start_text(settings.week_start)) + ", floor " +
         std::string(floor_text(settings.floor));
}

/// Throws: Error{settings_mismatch} with both values, if the data at `path` was made with others.
inline void require_same(const std::string& path, const Settings& kept, const Settings& wanted) {
  if (kept == wanted) return;
  throw Error(Errc::settings_mismatch,
              path + " was made with " + describe(kept) + " and cannot be opened with " + describe(wanted) +
                  ": counts would fall into other buckets or follow another floor",
              path);
}

}  // namespace livecount::inline v0_1::detail
