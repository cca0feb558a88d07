// SPDX-License-Identifier: BSL-1.0
//
// How much memory does a counter take? Bytes for each of 5,000,000 names, the names included (40 bytes on average).
//
//   contender       what it is
//   name            the bytes of a name alone: the floor
//   livecount       a Counter whose cache is full, and everything that belongs to it (SQLite's cache of 64 MiB, too):
//                   what the process has grown by when all is written
//   livecount peak  the same at the moment when it was largest: while a batch was formed and written
//   the rivals      what the process has grown by
//
// Each contender has a process of its own.
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "support/contender.hpp"
#include "support/folder.hpp"
#include "support/livecount.hpp"
#include "support/measure.hpp"
#include "support/names.hpp"

namespace {

using namespace bench;

/// VmRSS or VmHWM, in bytes.
double resident(const std::string& what) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(what + ":")) return std::stod(line.substr(what.size() + 1)) * 1024;
  }
  return 0;
}

struct Growth {
  double now = 0, peak = 0;
};

double bytes_each(double bytes, std::size_t count) { return bytes / static_cast<double>(count); }

/// Of a cache with room for so many, after a fifth more than that have come by: bytes for each that is in it.
Growth livecount(std::size_t names) {
  const Folder folder = Folder::in_memory();
  const double before = resident("VmRSS");
  Counter counter(write_later(folder.file("hits.db"), names * 5 / 6));
  for (std::size_t first = 0; first < names * 6 / 5; first += names / 50) {
    const Stream stream = each_once(names / 50, first);
    for (const std::string_view name : stream.all()) counter.increment(name);
    counter.flush();
  }
  const std::size_t entries = counter.stats().entries;
  return {bytes_each(resident("VmRSS") - before, entries), bytes_each(resident("VmHWM") - before, entries)};
}

Growth rival(const Kind& kind, std::size_t names) {
  const double before = resident("VmRSS");
  const auto contender = kind.make(names);
  for (std::size_t first = 0; first < names; first += names / 50) {
    contender->add(each_once(names / 50, first).all());
  }
  return {bytes_each(resident("VmRSS") - before, names), bytes_each(resident("VmHWM") - before, names)};
}

/// In a child, as memory that was once used is seldom given back.
Growth measure(const Kind& kind, std::size_t names) {
  int ends[2];
  if (pipe(ends) != 0) std::exit(1);
  const pid_t child = fork();
  if (child == 0) {
    const Growth growth = kind.role == Role::livecount ? livecount(names) : rival(kind, names);
    _exit(write(ends[1], &growth, sizeof growth) == sizeof growth ? 0 : 1);
  }
  close(ends[1]);
  Growth growth;
  const bool read_all = read(ends[0], &growth, sizeof growth) == sizeof growth;
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (!read_all || status != 0) {
    std::fprintf(stderr, "memory: %s failed\n", kind.name.c_str());
    std::exit(1);
  }
  return growth;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv);
  Report report(options);
  const auto names = options.pick<std::size_t>(10'000, 1'000'000, 5'000'000);
  double bytes = 0;
  for (std::size_t i = 0; i < names; ++i) bytes += static_cast<double>(name_of(i).size());
  report.add("full", "name", bytes_each(bytes, names), "bytes");
  for (const Kind& kind : kinds()) {
    if (kind.role == Role::floor || kind.name.starts_with("livecount ")) continue;
    const Growth growth = measure(kind, names);
    report.add("full", kind.name, growth.now, "bytes");
    if (kind.role == Role::livecount) report.add("full", kind.name + " peak", growth.peak, "bytes");
  }
  report.print();
}
