// SPDX-License-Identifier: BSL-1.0
// From a code back to a sentence: what the throwing forms of a Counter's operations say.
#pragma once

#include <string>
#include <string_view>

#include "../detail/quote.hpp"
#include "../error.hpp"
#include "options.hpp"

namespace livecount::inline v0_1::detail {

template <class Core>
[[nodiscard]] std::string explain(const Core& core, Errc code, std::string_view name, const Update& update) {
  const auto size = [](std::string_view bytes, std::size_t most) {
    return " has " + std::to_string(bytes.size()) + " bytes, at most " + std::to_string(most) +
           " are allowed";
  };
  const std::string delta = std::to_string(update.delta);
  const auto failure = [&core] {
    std::string said = core.last_failure();
    return said.empty() ? "no reason given" : said;
  };
  switch (code) {
    case Errc::name_too_long: return "the name" + size(name, max_name_bytes);
    case Errc::namespace_too_long: return "the namespace" + size(update.ns, max_namespace_bytes);
    case Errc::delta_out_of_range: return "the delta " + delta + " is outside of -2^58..2^58";
    case Errc::overflow:
      return "adding " + delta + " would take the count out of its range -2^58..2^58; nothing was changed";
    case Errc::time_out_of_range:
      return "the time is outside of the years 1400 to 9999 of the counter's calendar";
    case Errc::backpressure:
      return "there is no room: " + std::to_string(core.write_behind().pending()) +
             " counters are not yet written, or the cache is full of counters in use; nothing was changed"
             " (the store said last: " +
             failure() + ")";
    case Errc::not_yet_durable:
      return "it is counted, but the store has not taken it yet (" + failure() +
             "); it will be written exactly once, do not repeat it";
    case Errc::closed: return "the counter has been closed";
    case Errc::forked_child:
      return "the counter belongs to the parent of this process; a forked child can make one of its own";
    case Errc::expired: return "the bucket is older than those that are kept, which nothing changes any more";
    case Errc::inside_handler: return "on_error cannot wait for the writing that it is told of";
    case Errc::out_of_range: return "the stored count is outside of the range -2^58..2^58";
    default: return "the store failed: " + failure();
  }
}

/// Throws the Error for a code that `operation` has returned.
template <class Core>
[[noreturn, gnu::noinline]] void raise(const Core& core, Errc code, std::string_view operation,
                                       std::string_view name, const Update& update) {
  throw Error(code,
              std::string(operation) + " of " + quote(name) + " in namespace " + quote(update.ns) + ": " +
                  explain(core, code, name, update),
              std::string(operation));
}

/// The same for an operation that concerns no single counter.
template <class Core>
[[noreturn, gnu::noinline]] void raise(const Core& core, Errc code, std::string_view operation) {
  throw Error(code, std::string(operation) + ": " + explain(core, code, {}, {}), std::string(operation));
}

}  // namespace livecount::inline v0_1::detail
