// SPDX-License-Identifier: BSL-1.0
//
// The command that reads counts which export wrote, and adds them to a store, or sets them. An import is an operation
// with a name: its counts go into the store in batches, and how far it is goes with each, as with `count --resume`
// (positions.hpp; the input's identity is the operation's). So it may be killed and begun again, and one that is done
// changes nothing.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "import_formats.hpp"
#include "lines.hpp"
#include "message.hpp"
#include "positions.hpp"
#include "progress.hpp"
#include "rejections.hpp"
#include "resume.hpp"
#include "stop_signal.hpp"
#include "store_url.hpp"

namespace program {

namespace {

using livecount::Batch;
using livecount::Bucket;
using livecount::Calendar;
using livecount::Count;
using livecount::Errc;
using livecount::Error;
using livecount::Transform;

/// Bits of InputPosition::choices beside those of `count`.
constexpr Count import_bit = 1 << 12, set_bit = 1 << 13, complete_bit = 1 << 14;

/// Of a record whose quotes do not close.
constexpr std::size_t longest_record = 64 * 1024;

std::string format_of(const ImportCommand& command) {
  if (!command.format.empty()) return command.format;
  std::string_view path = command.file;
  for (const std::string_view packed : {".gz", ".xz"}) {
    if (path.ends_with(packed)) path.remove_suffix(packed.size());
  }
  for (const std::string_view known : {"csv", "tsv", "json"}) {
    if (path.ends_with("." + std::string(known))) return std::string(known);
  }
  throw UsageError(command.file + ": its name does not end in .csv, .tsv or .json; say --format");
}

std::unique_ptr<SavedCounts> make_reader(const ImportCommand& command) {
  const std::string format = format_of(command);
  const bool fixed = !command.period.empty();
  if (fixed != command.one_namespace || (fixed && format != "tsv")) {
    throw UsageError("--namespace and --period: both or none, and only for tsv of three fields");
  }
  if (format == "csv") return std::make_unique<SavedCsv>(command.file);
  if (format == "json") return std::make_unique<SavedJson>();
  if (!fixed) return std::make_unique<SavedTsv>(std::nullopt);
  (void)livecount::parse_period_type(command.period);
  return std::make_unique<SavedTsv>(std::pair(command.ns, command.period));
}

/// So many bits of what the command line says of all lines.
Count choices_of(const ImportCommand& command) {
  livecount::detail::Digest digest;
  digest.add_bytes(command.ns);
  digest.add_bytes(command.period);
  return import_bit | (command.set ? set_bit : 0) | static_cast<Count>(digest.value() >> 32) << 16;
}

/// What the operation is called: if nobody gave it a name, by what is imported. Empty if the program was asked to stop.
std::string operation_of(const ImportCommand& command) {
  if (!command.id.empty()) return command.id;
  const std::unique_ptr<Input> input = open_input(command.file);
  if (!std::filesystem::is_regular_file(command.file)) {
    throw UsageError(command.file + ": is no file that can be read twice: give this import a name by --id");
  }
  livecount::detail::Digest digest;
  digest.add_number(choices_of(command) & ~set_bit);
  std::vector<char> buffer(256 * 1024);
  while (const std::size_t got = input->read(buffer.data(), buffer.size()))
    digest.add_piece({buffer.data(), got});
  if (stop_requested()) return "";
  std::string hex;
  for (int shift = 60; shift >= 0; shift -= 4) hex += "0123456789abcdef"[digest.value() >> shift & 15];
  return hex;
}

/// A counter and what it gets.
struct Change {
  std::string ns;
  Bucket bucket;
  std::string name;
  Transform transform;
  std::uint64_t line;
};

/// Sends batches, each until the store has taken it.
class Sender {
 public:
  explicit Sender(Store& store) : store_(store) {
    std::random_device random;
    for (std::uint8_t& byte : writer_) byte = static_cast<std::uint8_t>(random());
  }

  /// Returns the answer, which tells what was left out. Throws Error if the store does not take it for 10 s, or never will.
  livecount::ApplyResult send(const std::vector<livecount::Record>& records) {
    const Batch batch{writer_, 0, ++sequence_, records};
    for (const auto deadline = Clock::now() + std::chrono::seconds(10);;) {
      livecount::ApplyResult result = store_.apply(batch);
      if (result.outcome == livecount::Outcome::applied) return result;
      const bool may_heal =
          result.error == Errc::store_unavailable || result.outcome == livecount::Outcome::unknown;
      if (!may_heal || Clock::now() >= deadline) throw Error(result.error, result.message, "import");
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }

 private:
  using Clock = std::chrono::steady_clock;

  Store& store_;
  livecount::WriterId writer_{};
  std::uint64_t sequence_ = 0;
};

class Import {
 public:
  Import(const ImportCommand& command, std::string operation, Store& store,
         const livecount::Settings& settings)
      : command_(command),
        operation_(std::move(operation)),
        identity_(identity_of("import " + operation_)),
        calendar_(livecount::parse_calendar(settings.calendar, settings.week_start)),
        floor_(settings.floor),
        store_(store),
        sender_(store),
        locks_(lock_path(command.store.url)),
        reader_(make_reader(command)) {
    position_.file = &command_.file;
  }

  /// Returns the exit status.
  int run() {
    if (!locks_.lock(identity_)) {
      throw InputError(command_.file + ": another livecount is importing it; wait until that has ended");
    }
    const Count choices = choices_of(command_);
    committed_ = read_position(store_, identity_).value_or(InputPosition{0, 0, 0, 0, choices});
    was_complete_ = (committed_.choices & complete_bit) != 0;
    if ((committed_.choices & ~complete_bit) != choices) {
      throw InputError(operation_ +
                       ": an import of this name was begun with other options (--set, --namespace, " +
                       "--period); give this one another name by --id");
    }
    rejected_before_ = committed_.rejected;
    read();
    if (!stop_requested()) {
      if (extent_.offset() < static_cast<std::uint64_t>(committed_.offset)) refuse();
      if (!record_.empty()) reject("a quoted field has no end");
      if (!was_complete_) commit(complete_bit);
    }
    progress_.clear();
    if (!command_.quiet) summarize();
    if (stop_requested()) return 128 + stop_signal.load();
    return rejections_.total() > 0 ? not_all_done : all_done;
  }

 private:
  void read() {
    const std::unique_ptr<Input> input = open_input(command_.file);
    LineReader lines(*input, {.extent = &extent_});
    Line line;
    while (!stop_requested() && lines.next_block()) {
      while (!stop_requested() && lines.next(line)) take(line);
      progress_.show(input->file().position(), extent_.lines());
    }
  }

  void take(const Line& line) {
    const auto committed = static_cast<std::uint64_t>(committed_.offset);
    if (!continues_) position_.line = line.number;
    if (!reached_ && committed > 0) {
      if (line.number == 1 && !line.too_long) parse({line.text.data(), line.text.size()}, false);
      reached_ = extent_.offset() >= committed;
      const bool same =
          extent_.offset() == committed && extent_.digest() == static_cast<std::uint64_t>(committed_.digest);
      if (reached_ && !same) refuse();
      return;
    }
    if (was_complete_) refuse();
    if (line.too_long) return reject("the line is longer than 1 MiB");
    if (continues_) record_ += '\n';
    record_.append(line.text.data(), line.text.size());
    continues_ = !reader_->is_whole(record_);
    if (continues_ && record_.size() <= longest_record) return;
    if (continues_) {
      reject("a quoted field has no end");
    } else {
      parse(record_, true);
    }
    continues_ = false;
    record_.clear();
    if (changes_.size() >= command_.batch_size) commit(0);
  }

  /// Without `use` it only lets the reader see the line, which may be a header.
  void parse(std::string_view record, bool use) {
    std::string fault;
    const bool found = reader_->parse(record, saved_, fault);
    if (!use) return;
    if (found) fault = add(saved_);
    if (!fault.empty()) rejections_.malformed(position_, fault, record);
  }

  void reject(std::string_view reason) {
    rejections_.malformed(position_, reason, record_);
    record_.clear();
    continues_ = false;
  }

  /// Returns what is wrong with it, if anything is.
  std::string add(const SavedCount& saved) {
    if (saved.ns == positions_namespace) return "the namespace is the one in which positions are kept";
    if (saved.name.size() > livecount::max_name_bytes)
      return "the name is longer than the 1024 bytes allowed";
    if (saved.ns.size() > livecount::max_namespace_bytes) {
      return "the namespace is longer than the 255 bytes allowed";
    }
    Count count = 0;
    const char* const end = saved.count.data() + saved.count.size();
    const auto [stop, error] = std::from_chars(saved.count.data(), end, count);
    if (stop != end || saved.count.empty() || error == std::errc::invalid_argument) {
      return "the count is not a whole number";
    }
    if (error != std::errc() || !livecount::in_range(count)) return "the count is out of range";
    const bool floored = floor_ == livecount::Floor::zero && count < 0;
    if (command_.set && floored) return "the count is below zero, where the counts of this store stop";
    try {
      find_bucket(saved);
    } catch (const Error& fault) {
      return fault.what();
    }
    const Transform change = command_.set ? Transform{livecount::no_floor, count}
                                          : Transform{count, floored ? 0 : livecount::no_floor};
    changes_.push_back({saved.ns, bucket_, saved.name, change, position_.line});
    return "";
  }

  /// Counts are sorted by bucket, mostly, so the last one is kept.
  void find_bucket(const SavedCount& saved) {
    if (!bucket_text_.empty() && saved.bucket == bucket_text_ && saved.period == period_text_) return;
    bucket_text_.clear();
    bucket_ = parse_scope(livecount::parse_period_type(saved.period), saved.bucket, calendar_.week_start());
    const Calendar::Bounds bounds = calendar_.bounds(bucket_);
    if (bounds.until <= bounds.from) {
      throw Error(Errc::invalid_text, saved.bucket + " is skipped by the clocks of this store", "import");
    }
    bucket_text_ = saved.bucket;
    period_text_ = saved.period;
  }

  /// Writes what was gathered, and how far the import is.
  void commit(Count complete) {
    const auto count = [](std::uint64_t number) { return static_cast<Count>(number); };
    const InputPosition reached{count(extent_.offset()), count(extent_.digest()), count(extent_.lines()),
                                rejected_before_ + count(rejections_.total()), committed_.choices | complete};
    std::vector<livecount::Record> records;
    for (const Change& change : changes_) {
      records.push_back({{change.ns, change.bucket, change.name}, change.transform});
    }
    std::vector<std::string> names;
    for (const auto& [field, value] : reached.fields()) names.push_back(position_name(identity_, field));
    for (std::size_t i = 0; i < names.size(); ++i) {
      records.push_back({{positions_namespace, {livecount::PeriodType::all, 0}, names[i]},
                         {livecount::no_floor, reached.fields()[i].second}});
    }
    const livecount::ApplyResult result = sender_.send(records);
    const auto refuse = [this](const std::vector<std::size_t>& positions, const char* reason) {
      for (const std::size_t i : positions) {
        position_.line = changes_.at(i).line;
        rejections_.refused(position_, reason);
      }
    };
    refuse(result.quarantined, "the count would leave its range");
    refuse(result.late, "the bucket is older than what this store keeps");
    imported_ += changes_.size() - result.quarantined.size() - result.late.size();
    committed_ = reached;
    reached_ = true;
    changes_.clear();
  }

  [[noreturn]] void refuse() const {
    throw InputError(command_.file + ": the import " + operation_ + " was made of another file" +
                     (was_complete_ ? "" : " up to line " + std::to_string(committed_.lines)) +
                     "; nothing was changed. Give this one another name by --id");
  }

  void summarize() const {
    if (was_complete_) {
      say("the import " + operation_ + " was done before: nothing was changed");
      return;
    }
    say("read " + quantity(extent_.lines(), "line") + ": " + quantity(imported_, "count") +
        (command_.set ? " set, " : " added, ") + with_commas(rejections_.total()) + " rejected; the import " +
        operation_ + " into " + command_.store.url + (stop_requested() ? " was stopped" : " is done"));
    if (stop_requested()) say("the same command goes on from where the store is, and takes each line once");
  }

  const ImportCommand& command_;
  const std::string operation_, identity_;
  const Calendar calendar_;
  const livecount::Floor floor_;
  Store& store_;
  Sender sender_;
  InputLocks locks_;
  std::unique_ptr<SavedCounts> reader_;
  Progress progress_{0, command_.quiet};
  Rejections rejections_;
  InputPosition committed_;
  bool was_complete_ = false;
  Count rejected_before_ = 0;
  Extent extent_;
  bool reached_ = false;  // where the import stood
  std::string record_;    // as far as it has been read
  bool continues_ = false;
  Position position_;  // of the record
  SavedCount saved_;
  std::vector<Change> changes_;
  std::string period_text_, bucket_text_;  // of bucket_
  Bucket bucket_;
  std::uint64_t imported_ = 0;
};

}  // namespace

int import_counts(const ImportCommand& command) {
  // What is wrong with the command line is said before a store is made.
  (void)make_reader(command);
  catch_stop_signals();
  const std::string operation = operation_of(command);
  if (stop_requested()) return 128 + stop_signal.load();

  const auto options = counter_options(command.store);
  const livecount::Settings settings{options.calendar.text(), options.calendar.week_start(), options.floor};
  Store store(options.store);
  store.adopt(settings);
  return Import(command, operation, store, settings).run();
}

}  // namespace program
