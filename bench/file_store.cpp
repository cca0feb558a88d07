// SPDX-License-Identifier: BSL-1.0
//
// How far is FileStore from what the file itself allows?
//
//   workload   contender   what it does
//   drain      bare        the floor: appends frames of the same sizes, each followed by fdatasync
//              store       applies the same batches, with FileSync::every_batch
//   recover    map         the floor: reads the same file and inserts its counters into a reserved hash map, by names
//                          of its own; no checksums, no ledger
//              store       opens the store
//
// drain: batches of 1,000 counters out of 100,000, names of 28 bytes. recover: 5,000,000 counters, from a snapshot
// and from a journal with batches of 10,000 (a hundredth of that when run for a moment, as ctest does). The map
// is boost::unordered_flat_map where Boost has it (1.81), else std::unordered_map; the label says which. Files are in the folder where the
// program is run, which has to be on a disk for the figures of drain to mean something.
#include <benchmark/benchmark.h>
#include <livecount/store/file_store.hpp>

#if __has_include(<boost/unordered/unordered_flat_map.hpp>)
#include <boost/unordered/unordered_flat_map.hpp>
#else
#include <unordered_map>
#endif

#include <algorithm>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace {

using namespace livecount;

struct HashName {
  using is_avalanching = void;
  std::size_t operator()(const std::string& name) const noexcept { return detail::checksum(name, 0); }
};
#if __has_include(<boost/unordered/unordered_flat_map.hpp>)
using Map = boost::unordered_flat_map<std::string, Count, HashName>;
constexpr const char* map_name = "boost::unordered_flat_map";
#else
using Map = std::unordered_map<std::string, Count, HashName>;
constexpr const char* map_name = "std::unordered_map";
#endif

std::string name_of(std::size_t number) {
  const std::string digits = std::to_string(100'000'000 + number);
  return "/articles/2015/" + digits.substr(1) + ".html";
}

/// A folder of its own, removed at the end.
struct Folder {
  Folder() { std::filesystem::create_directory(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] FileStore::Options options() const {
    FileStore::Options options;
    options.path = path + "/counts.journal";
    options.compact_bytes = never_compact;
    return options;
  }
  std::string path = "bench-file-store-" + std::to_string(std::random_device()());
};

/// Batches of records whose names it keeps.
class Batches {
 public:
  Batches(std::size_t names, std::size_t batch_size) : batch_size_(batch_size) {
    for (std::size_t i = 0; i < names; ++i) names_.push_back(name_of(i));
    std::shuffle(names_.begin(), names_.end(), std::mt19937_64(1));
  }
  /// The next ones, round and round.
  Batch next() {
    records_.clear();
    for (std::size_t i = 0; i < batch_size_; ++i) {
      records_.push_back({{"path", {PeriodType::day, 1'308'096'000}, names_[at_]}, {1, no_floor}});
      at_ = (at_ + 1) % names_.size();
    }
    return {{}, 0, ++sequence_, records_};
  }

 private:
  std::size_t batch_size_;
  std::vector<std::string> names_;
  std::vector<Record> records_;
  std::size_t at_ = 0;
  std::uint64_t sequence_ = 0;
};

// ---- drain

constexpr std::size_t batch_size = 1000;

void drain_store(benchmark::State& state) {
  const Folder folder;
  FileStore store(folder.options());
  Batches batches(100'000, batch_size);
  for ([[maybe_unused]] auto _ : state) {
    if (store.apply(batches.next()).outcome != Outcome::applied) return state.SkipWithError("not applied");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batch_size));
  state.counters["bytes_per_batch"] =
      static_cast<double>(store.status().journal_bytes) / static_cast<double>(state.iterations());
}
BENCHMARK(drain_store)->Name("drain/store")->UseRealTime();

void drain_bare(benchmark::State& state) {
  const Folder folder;
  std::string frame;
  {
    FileStore store(folder.options());
    const std::uint64_t before = store.status().journal_bytes;
    Batches batches(100'000, batch_size);
    (void)store.apply(batches.next());
    frame.assign(store.status().journal_bytes - before, 'x');
  }
  const int file = ::open((folder.path + "/bare").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  for ([[maybe_unused]] auto _ : state) {
    if (::write(file, frame.data(), frame.size()) != static_cast<ssize_t>(frame.size()) ||
        ::fdatasync(file) != 0) {
      return state.SkipWithError("not written");
    }
  }
  ::close(file);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batch_size));
}
BENCHMARK(drain_bare)->Name("drain/bare")->UseRealTime();

// ---- recover

constexpr std::int64_t from_snapshot = 0;
constexpr std::int64_t from_journal = 1;

/// A closed store with so many counters, made once.
FileStore::Options files_with(std::int64_t counters, std::int64_t where) {
  static std::vector<std::pair<std::pair<std::int64_t, std::int64_t>, std::unique_ptr<Folder>>> made;
  for (const auto& [key, folder] : made) {
    if (key == std::pair(counters, where)) return folder->options();
  }
  auto folder = std::make_unique<Folder>();
  FileStore::Options options = folder->options();
  options.sync = FileSync::never;
  {
    FileStore store(options);
    Batches batches(static_cast<std::size_t>(counters), 10'000);
    for (std::int64_t i = 0; i < counters; i += 10'000) (void)store.apply(batches.next());
    if (where == from_snapshot) store.compact();
  }
  made.emplace_back(std::pair(counters, where), std::move(folder));
  return options;
}

void recover_store(benchmark::State& state) {
  const FileStore::Options options = files_with(state.range(0), state.range(1));
  for ([[maybe_unused]] auto _ : state) {
    auto store = std::make_unique<FileStore>(options);
    benchmark::DoNotOptimize(store);
    state.PauseTiming();
    store.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

/// Knows just enough of the format.
void recover_map(benchmark::State& state) {
  FileStore::Options options = files_with(state.range(0), state.range(1));
  const std::string path = options.path + (state.range(1) == from_snapshot ? ".snapshot" : "");
  for ([[maybe_unused]] auto _ : state) {
    auto map = std::make_unique<Map>();
    map->reserve(static_cast<std::size_t>(state.range(0)));
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
          const auto count = fields.take<Count>();
          map->insert_or_assign(std::string(detail::take_short_bytes(fields)), count);
        }
      }
    }
    if (map->size() != static_cast<std::size_t>(state.range(0)))
      return state.SkipWithError("not all were found");
    state.PauseTiming();
    map.reset();
    state.ResumeTiming();
  }
  state.SetLabel(map_name);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void sizes(benchmark::internal::Benchmark* bench, std::int64_t counters) {
  bench->ArgNames({"counters", "journal"})->Args({counters, from_snapshot})->Args({counters, from_journal});
  bench->Unit(benchmark::kMillisecond)->UseRealTime();
}

}  // namespace

/// As benchmark_main, but that the sizes depend on how long it is to run.
int main(int argc, char** argv) {
  const bool for_a_moment = std::any_of(argv, argv + argc, [](const char* argument) {
    return std::string_view(argument).find("--benchmark_min_time=0.00") == 0;
  });
  const std::int64_t counters = for_a_moment ? 50'000 : 5'000'000;
  sizes(benchmark::RegisterBenchmark("recover/store", recover_store), counters);
  sizes(benchmark::RegisterBenchmark("recover/map", recover_map), counters);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
