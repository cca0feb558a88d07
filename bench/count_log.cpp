// SPDX-License-Identifier: BSL-1.0
//
// How many lines of a web server's log does `livecount count` take in a second? Whole processes, from start to exit.
//
//   contender           what it does
//   mawk                the floor of one-liners: hits per path and day into an array, nothing is stored
//   livecount/threads   hits per path and day, day and week, into an SQLite database, with that many --threads
//   livecount/all       the same with all three namespaces (path, status, bytes) in the periods hour, day and week
//
// The log: 200,000 lines in the combined format, over two weeks, with 5,000 paths chosen by a Zipf law. With the
// programs of this build beside this one in a folder; a contender that is not there is reported as such.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

namespace {

constexpr int lines = 200'000;

/// A folder with the log, made once and removed at the end.
class Folder {
 public:
  Folder()
      : path_(std::filesystem::temp_directory_path() /
              ("livecount-bench-" + std::to_string(std::random_device()()))) {
    std::filesystem::create_directory(path_);
    write_log();
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string log() const { return (path_ / "access.log").string(); }
  [[nodiscard]] std::string database() const { return (path_ / "hits.db").string(); }

 private:
  void write_log() const {
    constexpr std::size_t paths = 5000;
    std::vector<double> cumulated;
    double sum = 0;
    for (std::size_t i = 0; i < paths; ++i) cumulated.push_back(sum += 1 / static_cast<double>(i + 1));
    std::mt19937_64 random(1);
    std::ofstream log(this->log());
    char line[300];
    for (int i = 0; i < lines; ++i) {
      const double at = std::uniform_real_distribution<>(0, sum)(random);
      const auto page = std::lower_bound(cumulated.begin(), cumulated.end(), at) - cumulated.begin();
      const int second = static_cast<int>(i * (14LL * 86'400) / lines);
      const int size = std::snprintf(
          line, sizeof line,
          "10.0.%d.%d - - [%02d/May/2015:%02d:%02d:%02d +0000] \"GET /articles/2015/%05d.html?ref=%d "
          "HTTP/1.1\" "
          "200 %d \"http://example.com/\" \"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\"\n",
          i % 251, i % 241, 1 + second / 86'400, second / 3600 % 24, second / 60 % 60, second % 60,
          static_cast<int>(page), i % 7, 500 + i % 10'000);
      log.write(line, size);
    }
  }

  std::filesystem::path path_;
};

const Folder& folder() {
  static const Folder folder;
  return folder;
}

/// Where a program of this build is.
std::string sibling(const std::string& name) {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / name).string();
}

void run(benchmark::State& state, const std::string& command) {
  for ([[maybe_unused]] auto _ : state) {
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(folder().database() + suffix);
    const auto start = std::chrono::steady_clock::now();
    const int status = std::system((command + " >/dev/null 2>&1").c_str());
    state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    if (status != 0) {
      state.SkipWithError(("does not run: " + command).c_str());
      break;
    }
  }
  state.SetItemsProcessed(state.iterations() * lines);
}

void mawk(benchmark::State& state) {
  run(state,
      "mawk '{ sub(/\\?.*/, \"\", $7); ++c[substr($4, 2, 11), $7] } END { for (k in c) ++n; print n }' " +
          folder().log());
}
void livecount(benchmark::State& state) {
  run(state, sibling("livecount") + " count --namespaces path --periods day,week --threads " +
                 std::to_string(state.range(0)) + " --store sqlite:" + folder().database() + " " +
                 folder().log());
}
void livecount_all(benchmark::State& state) {
  run(state, sibling("livecount") + " count --periods hour,day,week --store sqlite:" + folder().database() +
                 " " + folder().log());
}

BENCHMARK(mawk)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(livecount)
    ->Name("livecount/threads")
    ->Arg(1)
    ->Arg(2)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(livecount_all)->Name("livecount/all")->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
