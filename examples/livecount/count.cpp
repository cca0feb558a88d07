// SPDX-License-Identifier: BSL-1.0
//
// The command that counts files of events: reads, parses, counts, and says what became of every line.
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "combined_log.hpp"
#include "commands.hpp"
#include "lines.hpp"
#include "message.hpp"
#include "pipeline.hpp"
#include "progress.hpp"
#include "rejections.hpp"
#include "resume.hpp"
#include "stop_signal.hpp"
#include "store_url.hpp"
#include "tsv.hpp"

namespace program {

namespace {

/// What is wrong with a line's names; empty if nothing is. Asked before anything of the line counts.
std::string_view check_names(const LineEvents& events) {
  for (const Event& event : events) {
    if (event.ns == positions_namespace) return "the namespace is the one in which positions are kept";
    if (event.name.size() > livecount::max_name_bytes)
      return "the name is longer than the 1024 bytes allowed";
    if (event.ns.size() > livecount::max_namespace_bytes)
      return "the namespace is longer than the 255 bytes allowed";
  }
  return {};
}
static_assert(livecount::max_name_bytes == 1024 && livecount::max_namespace_bytes == 255,
              "as the messages say");

/// Reads "path,bytes". Throws: UsageError.
CombinedLog::Wanted parse_namespaces(std::string_view text) {
  CombinedLog::Wanted wanted{false, false, false};
  for (std::string_view rest = text;;) {
    const std::string_view name = rest.substr(0, rest.find(','));
    bool* const known = name == "path"     ? &wanted.path
                        : name == "status" ? &wanted.status
                        : name == "bytes"  ? &wanted.bytes
                                           : nullptr;
    if (!known)
      throw UsageError("--namespaces " + std::string(text) + ": a combined log has path, status, bytes");
    *known = true;
    if (name.size() == rest.size()) return wanted;
    rest.remove_prefix(name.size() + 1);
  }
}

/// What of each line counts, by the options.
livecount::Count choices_of(const CountCommand& command) {
  const livecount::Count periods = Choices::of(livecount::parse_periods(command.periods));
  if (command.format == "tsv") return periods | Choices::tsv;
  const CombinedLog::Wanted wanted = parse_namespaces(command.namespaces);
  return periods | (wanted.path ? Choices::path : 0) | (wanted.status ? Choices::status : 0) |
         (wanted.bytes ? Choices::bytes : 0);
}

/// The bytes to read, 0 if that cannot be told. Throws InputError for a file that cannot be read, before any
/// is.
std::uint64_t total_size(const std::vector<std::string>& files) {
  std::uint64_t total = 0;
  bool known = true;
  for (const std::string& path : files) {
    const File file(path);
    total += file.size();
    known = known && file.size() > 0;
  }
  return known ? total : 0;
}

/// One run of the command: the files, one after the other, into a counter.
template <class Counter>
class Run {
 public:
  Run(const CountCommand& command, const typename Counter::Options& options)
      : command_(command),
        periods_(livecount::parse_periods(command.periods)),
        progress_(total_size(command.files), command.quiet),
        parser_(make_parser(command, options.calendar)),
        hits_(options),
        pipeline_(hits_, {.periods = periods_, .threads = command.threads, .line_by_line = command.strict},
                  rejections_) {
    if (!command.resume) return;
    resumption_.emplace(hits_, typename Resumption<Counter>::Options{
                                   .url = command.store.url,
                                   .choices = choices_of(command),
                                   .counters = command.cache_entries / cache_entries_for_each_counter,
                                   .complete = command.complete,
                                   .acknowledge = command.ack});
  }

  /// Counts all files, as far as it can, and writes the counts. Returns the exit status.
  int finish_all() {
    try {
      for (const std::string& path : command_.files) {
        if (!stopped()) read(path);
      }
      pipeline_.finish();
    } catch (const livecount::Error& error) {
      pipeline_.stop();
      progress_.clear();
      complain(error.what());
      store_failed_ = true;
    }
    progress_.clear();
    // What is left of a chunk that could not be written goes nowhere: see Resumption.
    const livecount::CloseReport report = write_and_close(hits_);
    if (!report.clean) {
      complain(quantity(report.counters_left, "counter") + " could not be written to " + command_.store.url +
               ": " + report.message);
      store_failed_ = true;
    }
    if (!command_.quiet) summarize();
    return status();
  }

 private:
  static std::unique_ptr<LineParser> make_parser(const CountCommand& command,
                                                 const livecount::Calendar& calendar) {
    if (command.format == "combined")
      return std::make_unique<CombinedLog>(parse_namespaces(command.namespaces));
    return std::make_unique<Tsv>(command.input_zone.empty() ? calendar
                                                            : livecount::parse_calendar(command.input_zone));
  }

  [[nodiscard]] bool stopped() const {
    return stop_requested() || (command_.strict && (damaged_input_ || rejections_.total() > 0));
  }

  void read(const std::string& path) {
    position_ = {&path, 0};
    rejected_before_ = rejections_.total();
    try {
      const std::unique_ptr<Input> input = open_input(path);
      if (!resumption_ || resumption_->begin(*input, path)) read_lines(*input);
      bytes_before_ += input->file().position();
    } catch (const InputError& error) {
      const std::string counted = "; its first " + quantity(position_.line, "line") + " are counted";
      complain(error.what() + (position_.line > 0 ? counted : ""));
      damaged_input_ = true;
    }
    if (resumption_) commit();
  }

  void read_lines(Input& input) {
    LineReader lines(input, {.keep_blocks = command_.threads > 1,
                             .unfinished_line = !command_.resume || command_.complete,
                             .extent = resumption_ ? &resumption_->extent() : nullptr});
    while (!stopped() && lines.next_block()) {
      take_block(lines);
      pipeline_.end_block(lines.block());
      progress_.show(bytes_before_ + input.file().position(), lines_);
      if (resumption_ && (resumption_->is_due() || input.file().is_waiting())) commit();
    }
    if (lines.left_unfinished() && !stopped() && !command_.quiet) {
      say(input.file().path() +
          ": the last line is not counted yet, as it has no line feed (--complete counts it)");
    }
  }

  void take_block(LineReader& lines) {
    Line line;
    Extent before;  // the line
    while (!stop_requested()) {
      if (resumption_ && command_.strict) before = resumption_->extent();
      if (!lines.next(line)) return;
      position_.line = line.number;
      ++lines_;
      events_.clear();
      std::string_view fault =
          line.too_long ? "the line is longer than 1 MiB" : parser_->parse(line.text, events_);
      if (fault.empty()) fault = check_names(events_);
      if (fault.empty()) {
        pipeline_.take(events_, position_);
      } else {
        rejections_.malformed(position_, fault, {line.text.data(), line.text.size()});
        if (resumption_ && command_.strict) {
          resumption_->extent() = before;
          ++rejected_before_;
        }
      }
      if (command_.strict && stopped()) return;
      if (resumption_ && resumption_->add(events_.size() * periods_.size(), most_counters_of_line())) {
        pipeline_.end_block(lines.block());
        commit();
      }
    }
  }

  [[nodiscard]] std::size_t most_counters_of_line() const { return LineEvents::capacity * periods_.size(); }

  /// Writes what has been counted, with the position, unless it has to be dropped.
  void commit() {
    pipeline_.wait();
    if (command_.strict && rejections_.refusals() > 0) return;  // the line's chunk is not to be counted
    resumption_->commit(rejections_.total() - rejected_before_);
  }

  [[nodiscard]] int status() const {
    if (store_failed_) return store_failed;
    if (stop_requested()) return 128 + stop_signal.load();
    return rejections_.total() > 0 || damaged_input_ ? not_all_done : all_done;
  }

  void summarize() const {
    const double seconds = progress_.seconds();
    const std::uint64_t events = hits_.stats().accepted - (resumption_ ? resumption_->updates() : 0);
    const std::uint64_t rejected = rejections_.total();
    if (stop_requested() || (command_.strict && stopped())) {
      say((stop_requested() ? "stopped by a signal" : "stopped at the first fault (--strict)") +
          where_it_stopped());
    }
    if (store_failed_) {
      say("read " + quantity(lines_, "line") + "; the store has a part of their counts" + how_to_go_on());
      return;
    }
    say("read " + quantity(lines_, "line") + ": " + with_commas(lines_ - rejected) + " counted, " +
        with_commas(rejected) + " rejected; " + quantity(events, "event") + " in " + with_tenths(seconds) +
        " s, " + with_commas(static_cast<std::uint64_t>(static_cast<double>(events) / seconds)) +
        " events/s");
    say("the counts by " + command_.periods + " are in " + command_.store.url);
    if (stopped()) return;
    say("try: livecount top --store " + command_.store.url + " --period " +
        command_.periods.substr(command_.periods.rfind(',') + 1) + " --limit 5");
  }

  [[nodiscard]] std::string where_it_stopped() const {
    if (!position_.file) return ": nothing was read";
    const std::uint64_t line =
        resumption_ ? static_cast<std::uint64_t>(resumption_->committed().lines) : position_.line;
    return ": counted up to line " + std::to_string(line) + " of " + *position_.file + how_to_go_on();
  }

  [[nodiscard]] std::string how_to_go_on() const {
    return resumption_ ? "; the same command goes on from where the store is, and counts each line once" : "";
  }

  const CountCommand& command_;
  const livecount::Periods periods_;
  Progress progress_;
  std::unique_ptr<LineParser> parser_;
  Rejections rejections_;
  Counter hits_;
  Pipeline<Counter> pipeline_;
  std::optional<Resumption<Counter>> resumption_;
  LineEvents events_;
  Position position_;  // the last line that was read
  std::uint64_t lines_ = 0;
  std::uint64_t rejected_before_ = 0;  // in the files before, and what a resumed run is to try again
  std::uint64_t bytes_before_ = 0;     // in the files before
  bool damaged_input_ = false;
  bool store_failed_ = false;
};

/// The program says when to write, and nothing is ever written to make room.
using ResumedHits = livecount::Counter<livecount::LockFreeCache, Store, livecount::ManualQueue>;

void check_resumption(const CountCommand& command) {
  if (!command.resume && (command.ack || command.complete)) {
    throw UsageError(std::string(command.ack ? "--ack" : "--complete") + " is only for --resume");
  }
  if (command.resume && command.max_names != 0) {
    throw UsageError("--max-names is not for --resume, which keeps names of its own in the store");
  }
  if (command.resume && command.cache_entries < smallest_resumed_cache) {
    throw UsageError("--cache-entries " + std::to_string(command.cache_entries) +
                     ": --resume needs at least " + std::to_string(smallest_resumed_cache));
  }
}

}  // namespace

int count(const CountCommand& command) {
  // What is wrong with the command line is said before a store is made.
  (void)total_size(command.files);
  (void)choices_of(command);
  check_resumption(command);
  catch_stop_signals();
  if (!command.resume) {
    Hits::Options options = counter_options(command.store);
    options.cache.entries = command.cache_entries;
    options.max_names = command.max_names;
    options.max_batch = 16'384;  // a page of the table is then written for many of its rows at once
    options.queue.max_delay = std::chrono::milliseconds(20);  // writes beside the reading, not after it
    return Run<Hits>(command, options).finish_all();
  }
  auto options = counter_options<ResumedHits>(command.store);
  options.store.shut = true;
  options.cache.entries = command.cache_entries;
  options.max_pending = command.cache_entries;
  options.max_batch = SIZE_MAX;
  options.when_full = livecount::Limit::refuse;
  return Run<ResumedHits>(command, options).finish_all();
}

}  // namespace program
