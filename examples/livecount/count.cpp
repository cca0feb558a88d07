// SPDX-License-Identifier: BSL-1.0
//
// The command that counts files of events: reads, parses, counts, and says what became of every line.
#include <memory>
#include <string>
#include <string_view>

#include "combined_log.hpp"
#include "commands.hpp"
#include "lines.hpp"
#include "message.hpp"
#include "pipeline.hpp"
#include "progress.hpp"
#include "rejections.hpp"
#include "stop_signal.hpp"
#include "store_url.hpp"
#include "tsv.hpp"

namespace program {

namespace {

constexpr std::size_t block_size = std::size_t{1} << 20;

/// What is wrong with the lengths of a line's names; empty if nothing is. Asked before anything of the line
/// counts.
std::string_view check_lengths(const LineEvents& events) {
  for (const Event& event : events) {
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
class Run {
 public:
  Run(const CountCommand& command, const Hits::Options& options)
      : command_(command),
        progress_(total_size(command.files), command.quiet),
        parser_(make_parser(command, options.calendar)),
        hits_(options),
        pipeline_(hits_, livecount::parse_periods(command.periods), command.threads, rejections_) {}

  /// Counts all files, as far as it can, and writes the counts. Returns the exit status.
  int finish_all() {
    try {
      for (const std::string& path : command_.files) {
        if (!stopped()) read(path);
      }
      pipeline_.finish();
    } catch (const livecount::Error& error) {
      pipeline_.stop();
      complain(error.what());
      store_failed_ = true;
    }
    progress_.clear();
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
    try {
      const std::unique_ptr<Input> input = open_input(path);
      LineReader lines(*input, block_size, command_.threads > 1);
      while (!stopped() && lines.next_block()) {
        take_block(lines);
        pipeline_.end_block(lines.block());
        progress_.show(bytes_before_ + input->file().position(), lines_);
      }
      bytes_before_ += input->file().position();
    } catch (const InputError& error) {
      complain(std::string(error.what()) + "; its first " + quantity(position_.line, "line") +
               " are counted");
      damaged_input_ = true;
    }
  }

  void take_block(LineReader& lines) {
    Line line;
    while (!stop_requested() && lines.next(line)) {
      position_.line = line.number;
      ++lines_;
      events_.clear();
      std::string_view fault =
          line.too_long ? "the line is longer than 1 MiB" : parser_->parse(line.text, events_);
      if (fault.empty()) fault = check_lengths(events_);
      if (fault.empty()) {
        pipeline_.take(events_, position_);
      } else {
        rejections_.malformed(position_, fault, {line.text.data(), line.text.size()});
      }
      if (command_.strict && stopped()) return;
    }
  }

  [[nodiscard]] int status() const {
    if (store_failed_) return store_failed;
    if (stop_requested()) return 128 + stop_signal.load();
    return rejections_.total() > 0 || damaged_input_ ? not_all_done : all_done;
  }

  void summarize() const {
    const double seconds = progress_.seconds();
    const std::uint64_t events = hits_.stats().accepted;
    const std::uint64_t rejected = rejections_.total();
    if (stop_requested() || (command_.strict && stopped())) {
      say((stop_requested() ? "stopped by a signal" : "stopped at the first fault (--strict)") +
          (position_.file
               ? ": counted up to line " + std::to_string(position_.line) + " of " + *position_.file
               : std::string(": nothing was read")));
    }
    if (store_failed_) {
      say("read " + quantity(lines_, "line") + "; the store has a part of their counts");
      return;
    }
    say("read " + quantity(lines_, "line") + ": " + with_commas(lines_ - rejected) + " counted, " +
        with_commas(rejected) + " rejected; " + quantity(events, "event") + " in " + with_tenths(seconds) +
        " s, " + with_commas(static_cast<std::uint64_t>(static_cast<double>(events) / seconds)) +
        " events/s");
    say("the counts by " + command_.periods + " are in " + command_.store.url);
    say("try: livecount top --store " + command_.store.url + " --period " +
        command_.periods.substr(command_.periods.rfind(',') + 1) + " --limit 5");
  }

  const CountCommand& command_;
  Progress progress_;
  std::unique_ptr<LineParser> parser_;
  Rejections rejections_;
  Hits hits_;
  Pipeline<Hits> pipeline_;
  LineEvents events_;
  Position position_;  // the last line that was read
  std::uint64_t lines_ = 0;
  std::uint64_t bytes_before_ = 0;  // in the files before
  bool damaged_input_ = false;
  bool store_failed_ = false;
};

}  // namespace

int count(const CountCommand& command) {
  // What is wrong with the command line is said before a store is made.
  (void)total_size(command.files);
  (void)livecount::parse_periods(command.periods);
  Hits::Options options = counter_options(command.store);
  options.cache.entries = command.cache_entries;
  catch_stop_signals();
  return Run(command, options).finish_all();
}

}  // namespace program
