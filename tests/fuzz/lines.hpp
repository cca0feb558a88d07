// SPDX-License-Identifier: BSL-1.0
// A log through a parser of the program livecount: what it says of a line does not hang on the lines before it.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "../../examples/livecount/events.hpp"
#include "fuzz/fuzz.hpp"

namespace livecount::tests {

/// What a parser says of a line, written out.
[[nodiscard]] inline std::string verdict(program::LineParser& parser, std::string_view line) {
  // In memory of just that size, so that reading beyond it is seen.
  const std::unique_ptr<char[]> text(new char[line.size()]);
  std::copy(line.begin(), line.end(), text.get());
  const std::span<char> whole(text.get(), line.size());
  program::LineEvents events;
  const std::string_view reason = parser.parse(whole, events);
  if (!reason.empty()) return std::string(reason);
  require(events.size() <= program::LineEvents::capacity, "a line has so many events");
  std::string said = "counts";
  for (const program::Event& event : events) {
    require(in_range(event.delta), "a delta is in range");
    for (const std::string_view part : {event.ns, event.name}) said += "|" + std::string(part);
    said += "|" + std::to_string(event.delta) + "|" + std::to_string(event.at.time_since_epoch().count());
  }
  return said;
}

inline void check_lines(std::string_view log,
                        const std::function<std::unique_ptr<program::LineParser>()>& make) {
  const auto parser = make();
  while (!log.empty()) {
    const std::string_view line = log.substr(0, log.find('\n'));
    require(verdict(*parser, line) == verdict(*make(), line), "a line is read as if it stood alone");
    log.remove_prefix(std::min(line.size() + 1, log.size()));
  }
}

}  // namespace livecount::tests
