// SPDX-License-Identifier: BSL-1.0
// Instants from numbers and text, and back.
#pragma once

#include <chrono>
#include <cstdint>
#include <livecount/time_text.hpp>
#include <string_view>

namespace support {

inline livecount::Time time_of(std::int64_t seconds) {
  return std::chrono::sys_seconds{std::chrono::seconds{seconds}};
}
inline std::int64_t number(livecount::Time time) { return time.seconds().time_since_epoch().count(); }
inline livecount::Time utc(std::string_view text) {
  return livecount::parse_time(text, livecount::Calendar());
}

}  // namespace support
