// SPDX-License-Identifier: BSL-1.0
//
// How many lines of a web server's log does `livecount count` take in a second? Whole processes, from start to exit.
//
//   contender             what it does
//   floor: mawk           hits per path and day into an array, nothing is stored
//   livecount             hits per path and day, day and week, into an SQLite database on disk
//   livecount, 2 threads  the same with --threads 2
//   livecount, all        with all three namespaces (path, status, bytes) in the periods hour, day and week
//
// The log: 1,000,000 lines in the combined format, over two weeks, with 5,000 paths chosen by a Zipf law. The program
// livecount is the one of the same build. What does not run is shown as absent.
#include <cmath>
#include <fstream>
#include <random>

#include "support/folder.hpp"
#include "support/measure.hpp"

namespace {

using namespace bench;

void write_log(const std::string& path, int lines) {
  constexpr std::size_t paths = 5000;
  std::vector<double> cumulated;
  double sum = 0;
  for (std::size_t i = 0; i < paths; ++i) cumulated.push_back(sum += 1 / static_cast<double>(i + 1));
  std::mt19937_64 random(1);
  std::ofstream log(path);
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

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv);
  Report report(options);
  const auto lines = options.pick(1000, 300'000, 1'000'000);
  const Folder folder;
  const std::string log = folder.file("access.log");
  write_log(log, lines);

  const auto here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const std::string count = (here / "livecount").string() + " count --store sqlite:" + folder.file("hits.db");
  const std::string path_only = " --namespaces path --periods day,week";
  const struct {
    std::string name, command;
  } contenders[] = {
      {"floor: mawk",
       "mawk '{ sub(/\\?.*/, \"\", $7); ++c[substr($4, 2, 11), $7] } END { for (k in c) ++n; print n }' " +
           log},
      {"livecount", count + path_only + " --threads 1 " + log},
      {"livecount, 2 threads", count + path_only + " --threads 2 " + log},
      {"livecount, all", count + " --periods hour,day,week --threads 1 " + log},
  };
  std::vector<std::string> missing;
  for (int round = 0; round < options.rounds; ++round) {
    for (const auto& [name, command] : contenders) {
      if (std::find(missing.begin(), missing.end(), name) != missing.end()) continue;
      for (const char* suffix : {"", "-wal", "-shm"})
        std::filesystem::remove(folder.file("hits.db") + suffix);
      const auto start = std::chrono::steady_clock::now();
      if (std::system((command + " >/dev/null 2>&1").c_str()) == 0) {
        report.add("log", name, lines / seconds_since(start), "lines/s");
      } else {
        report.absent("log", name, "does not run: " + command.substr(0, command.find(' ')));
        missing.push_back(name);
      }
    }
  }
  report.print();
}
