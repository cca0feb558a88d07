// SPDX-License-Identifier: BSL-1.0
//
// How far is FileStore from what the file itself allows?
//
//   workload             contender                   what it does
//   drain                floor: append + fdatasync   appends frames of the same sizes, each followed by fdatasync
//                        livecount                   applies the same batches, with FileSync::every_batch
//   recovery, snapshot   floor: read and insert      reads the file and inserts its counters into a reserved flat map;
//                                                    no checksums, no ledger
//                        livecount                   opens the store
//   recovery, journal    both                        the same of a journal with batches of 10,000, not yet compacted
//
// drain: batches of 1,000 counters out of 100,000. recovery: 5,000,000 counters. The map is
// boost::unordered_flat_map where Boost has it (1.81), else std::unordered_map.
#include <livecount/store/file_store.hpp>

#if __has_include(<boost/unordered/unordered_flat_map.hpp>)
#include <boost/unordered/unordered_flat_map.hpp>
#else
#include <unordered_map>
#endif

#include <fcntl.h>
#include <unistd.h>

#include "support/folder.hpp"
#include "support/measure.hpp"
#include "support/names.hpp"

namespace {

using namespace bench;
using namespace livecount;

struct HashName {
  using is_avalanching = void;
  std::size_t operator()(const std::string& name) const noexcept { return detail::checksum(name, 0); }
};
#if __has_include(<boost/unordered/unordered_flat_map.hpp>)
using Map = boost::unordered_flat_map<std::string, Count, HashName>;
#else
using Map = std::unordered_map<std::string, Count, HashName>;
#endif

void require(bool succeeded, const char* what) {
  if (succeeded) return;
  std::fprintf(stderr, "file_store: %s\n", what);
  std::exit(1);
}

FileStore::Options options_of(const std::string& path, FileSync sync) {
  FileStore::Options options;
  options.path = path;
  options.sync = sync;
  options.compact_bytes = never_compact;
  return options;
}

/// Batches of the names, in turns.
class Batches {
 public:
  /// `size` divides the number of names.
  Batches(const Stream& names, std::size_t size) : size_(size) {
    for (const std::string_view name : names.all())
      records_.push_back({{"path", {PeriodType::day, 1'308'096'000}, name}, {1, no_floor}});
  }
  Batch next() {
    const std::span<const Record> batch = std::span(records_).subspan(at_, size_);
    at_ = (at_ + size_) % records_.size();
    return {{}, 0, ++sequence_, batch};
  }

 private:
  const std::size_t size_;
  std::vector<Record> records_;
  std::size_t at_ = 0;
  std::uint64_t sequence_ = 0;
};

void drain(const Options& options, Report& report) {
  const Folder folder;
  const Stream names = each_once(options.pick<std::size_t>(2000, 100'000, 100'000));
  constexpr std::size_t size = 1000;
  const auto batches = options.pick<std::size_t>(2, 100, 400);
  FileStore store(options_of(folder.file("counts"), FileSync::every_batch));
  Batches made(names, size);
  const int bare = open(folder.file("bare").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const auto rate = [&](auto write_batch) {
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < batches; ++i) write_batch();
    return static_cast<double>(batches * size) / seconds_since(start);
  };
  std::string frame;
  for (int round = 0; round < options.rounds; ++round) {
    const std::uint64_t before = store.status().journal_bytes;
    const double ours =
        rate([&] { require(store.apply(made.next()).outcome == Outcome::applied, "not applied"); });
    report.add("drain", "livecount", ours, "rows/s");
    frame.assign((store.status().journal_bytes - before) / batches, 'x');
    report.add("drain", "floor: append + fdatasync", rate([&] {
                 const bool written =
                     write(bare, frame.data(), frame.size()) == static_cast<ssize_t>(frame.size());
                 require(written && fdatasync(bare) == 0, "not written");
               }),
               "rows/s");
  }
  close(bare);
}

/// Knows just enough of the format.
void read_and_insert(const std::string& path, std::size_t count, Map& map) {
  map.reserve(count);
  const detail::PosixFileSystem::File file = detail::PosixFileSystem().open(path, detail::FileAccess::read);
  std::string bytes(file.size(), '\0');
  (void)file.read(0, bytes.data(), bytes.size());
  for (std::size_t at = detail::file_header_size; at < bytes.size();) {
    const auto length = detail::load_number<std::uint32_t>(bytes.data() + at + 4);
    detail::ByteView fields(std::string_view(bytes).substr(at + detail::frame_header_size, length));
    at += detail::frame_overhead + length;
    const auto kind = detail::FrameKind{fields.take<std::uint8_t>()};
    if (kind != detail::FrameKind::batch && kind != detail::FrameKind::counters) continue;
    if (kind == detail::FrameKind::batch) (void)detail::take_ledger_row(fields);
    while (!fields.empty()) {
      for (std::uint32_t left = detail::take_run_heading(fields).counters; left > 0; --left) {
        const auto number = fields.take<Count>();
        map.insert_or_assign(std::string(detail::take_short_bytes(fields)), number);
      }
    }
  }
  require(map.size() == count, "not all counters were found");
}

void recovery(const Options& options, Report& report, bool snapshot) {
  const Folder folder;
  const auto count = options.pick<std::size_t>(20'000, 1'000'000, 5'000'000);
  const FileStore::Options closed = options_of(folder.file("counts"), FileSync::never);
  {
    const Stream names = each_once(count);
    FileStore store(closed);
    Batches made(names, 10'000);
    for (std::size_t i = 0; i < count; i += 10'000)
      require(store.apply(made.next()).outcome == Outcome::applied, "not applied");
    if (snapshot) store.compact();
  }
  const std::string workload = snapshot ? "recovery, snapshot" : "recovery, journal";
  const auto rate = [&](auto recover) {
    const auto start = std::chrono::steady_clock::now();
    const auto recovered = recover();  // freeing it is not timed
    return static_cast<double>(count) / seconds_since(start);
  };
  for (int round = 0; round < options.rounds; ++round) {
    report.add(workload, "livecount", rate([&] { return std::make_unique<FileStore>(closed); }),
               "counters/s");
    report.add(workload, "floor: read and insert", rate([&] {
                 auto map = std::make_unique<Map>();
                 read_and_insert(closed.path + (snapshot ? ".snapshot" : ""), count, *map);
                 return map;
               }),
               "counters/s");
  }
}

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv);
  Report report(options);
  drain(options, report);
  for (const bool snapshot : {true, false}) recovery(options, report, snapshot);
  report.print();
}
