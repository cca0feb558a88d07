// SPDX-License-Identifier: BSL-1.0
//
// Errors: a code for programs, a sentence for people.
//
// Every error that livecount throws is an `Error`. Its code says what kind of thing went wrong, `what()` is a
// sentence that names what was asked, why it was refused and what would be right, and `where()` names the
// operation, file or record it happened in. The `try_` forms of an operation return the code alone and throw
// nothing. An operation that ends in an error has changed nothing, but for `not_yet_durable`, which says so.
//
//     try { hits.increment(name); }
//     catch (const livecount::Error& e) { if (e.code() == livecount::Errc::backpressure) retry_later(); }
//
// Threads: an Error is an ordinary value.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace livecount::inline v0_1 {

enum class Errc : std::uint8_t {
  ok,                  // no error
  name_too_long,       // the name has more bytes than allowed
  namespace_too_long,  // the namespace has more bytes than allowed
  invalid_text,        // a period type, time, scope, key or zone is not of the form it must have
  time_out_of_range,   // a time outside the years 1400..9999
  delta_out_of_range,  // a delta outside the range of a count
  overflow,            // the count would leave its range; nothing was changed
  backpressure,        // too much is not yet written, or the cache has no room; nothing was changed
  not_yet_durable,     // counted, but not yet in the store: it will be written exactly once, do not repeat it
  store_unavailable,   // the store did not answer, so the count cannot be told
  store_failed,        // the store refused for a reason that repeating does not heal
  settings_mismatch,   // the store was made with another calendar, week start or floor
  not_livecount,       // the file holds something else
  version_too_new,     // the file was made by a newer livecount
  corrupt,             // the store's contents contradict themselves
  writer_duplicated,   // two writers use one identity (a restored copy of a machine?)
  store_rolled_back,   // the store has forgotten batches that it had acknowledged
  out_of_range,        // a stored count is outside the range of a count
  locked,              // another process, or another store of this one, holds the store's files
  unsafe_path,         // the store's path is not safe to use: a link, a folder, or open to other users
  invalid_option,      // an option has a value it cannot have
  closed,              // the counter has been closed
  forked_child,        // the counter or store belongs to the parent process
  inside_handler,      // on_error has called an operation that would wait for its own caller
  expired,             // the bucket is older than those that are kept; nothing was changed
  clock_jump,          // the clock went on by more than a bucket is kept: see Counter::Options::retention
};

/// The code as a word, for logs: "name_too_long".
[[nodiscard]] constexpr std::string_view to_string(Errc code) noexcept {
  switch (code) {
    case Errc::ok: return "ok";
    case Errc::name_too_long: return "name_too_long";
    case Errc::namespace_too_long: return "namespace_too_long";
    case Errc::invalid_text: return "invalid_text";
    case Errc::time_out_of_range: return "time_out_of_range";
    case Errc::delta_out_of_range: return "delta_out_of_range";
    case Errc::overflow: return "overflow";
    case Errc::backpressure: return "backpressure";
    case Errc::not_yet_durable: return "not_yet_durable";
    case Errc::store_unavailable: return "store_unavailable";
    case Errc::store_failed: return "store_failed";
    case Errc::settings_mismatch: return "settings_mismatch";
    case Errc::not_livecount: return "not_livecount";
    case Errc::version_too_new: return "version_too_new";
    case Errc::corrupt: return "corrupt";
    case Errc::writer_duplicated: return "writer_duplicated";
    case Errc::store_rolled_back: return "store_rolled_back";
    case Errc::out_of_range: return "out_of_range";
    case Errc::locked: return "locked";
    case Errc::unsafe_path: return "unsafe_path";
    case Errc::invalid_option: return "invalid_option";
    case Errc::closed: return "closed";
    case Errc::forked_child: return "forked_child";
    case Errc::inside_handler: return "inside_handler";
    case Errc::expired: return "expired";
    case Errc::clock_jump: return "clock_jump";
  }
  return "unknown";
}

class Error : public std::runtime_error {
 public:
  Error(Errc code, const std::string& what, std::string where = {})
      : std::runtime_error(what), code_(code), where_(std::move(where)) {}

  [[nodiscard]] Errc code() const noexcept { return code_; }
  /// The operation, file or record concerned: "increment", "hits.db", "parse_key".
  [[nodiscard]] const std::string& where() const noexcept { return where_; }

 private:
  Errc code_;
  std::string where_;
};

}  // namespace livecount::inline v0_1
