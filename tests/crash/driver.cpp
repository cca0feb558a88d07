// SPDX-License-Identifier: BSL-1.0
// crash_driver CASE STORE [AMOUNT [SEED]]: kills crash_writers, and judges what their stores have afterwards.
//
//   random    SIGKILL at AMOUNT random moments
//   points    SIGKILL at every n-th system call of each kind that changes a file, in runs of AMOUNT updates; needs strace
//   torn      SIGKILL in the middle of every n-th write, in runs of AMOUNT updates
//   power     AMOUNT power cuts on each of some file systems; needs root
//
// Stores are named in stores.hpp.
//
// A case goes on with one store over many crashes. After each, the store is opened by the next writer or by the driver
// itself, which then often sends the batch that was on its way again, as a writer that had lived would have: twice, and
// it must have been applied once. Ends with 0, or 1 when something was wrong, or 77 when the machine does not allow
// the case.
#include <functional>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <sched.h>
#include <sys/mount.h>

#include "crash/site.hpp"

namespace {

using namespace livecount;
using namespace livecount::crash;
using std::chrono::microseconds;

// ---- the cases

template <class Store>
void kill_at_random(const std::string& name, std::uint64_t amount, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Seen seen;
  for (std::uint64_t session = 0; seen.kills < amount; ++session) {
    const TemporaryDirectory folder;
    Site<Store> site(name, folder.path().string(), session % 2 == 0 ? Floor::zero : Floor::none, seen);
    for (int i = 0; i < 250 && seen.kills < amount; ++i) {
      Process writer(site.command(random() % 3 == 0 ? "inline" : "jthread", most_threads, 0, random()));
      const Log& log = site.current();
      const std::uint64_t from = random() % 3;  // its start, the opening of the store, or the first batch
      const auto reached = [&] { return from == 1 ? log.opened.load() : log.sent != 0; };
      if (from != 0 && !writer.wait_until(reached)) {
        throw Wrong("the store did not open, or nothing was written: " + std::string(log.told.data()));
      }
      std::this_thread::sleep_for(microseconds(random() % 8'000));
      if (const Ending ending = writer.kill(); ending != killed_by(SIGKILL)) {
        throw Wrong("the writer " + show_ending(ending) + ": " + log.told.data());
      }
      ++seen.kills;
      try {
        site.finished();
        if (random() % 3 != 0 || seen.kills == amount) site.check(random() % 2 == 0);
      } catch (const std::exception& error) {
        throw Wrong("after " + std::to_string(seen.kills) + " kills: " + error.what());
      }
    }
  }
  seen.print(name + ", SIGKILL at random moments");
  if (amount >= 500 && (seen.before_opening == 0 || seen.in_flight_lost == 0 || seen.in_flight_kept == 0)) {
    throw Wrong("no kill hit what this test is for");
  }
}

/// Kills a writer by `prefix(n)` for n = 1, 2, ... until one ends by itself.
template <class Store>
void kill_at_each(const std::string& name, const std::string& queue, std::size_t threads,
                  std::uint64_t updates, bool fresh, Seen& seen, std::uint64_t seed,
                  const std::function<std::vector<std::string>(std::uint64_t)>& prefix) {
  std::unique_ptr<TemporaryDirectory> folder;
  std::unique_ptr<Site<Store>> site;
  for (std::uint64_t n = 1;; ++n) {
    if (fresh || !folder) {
      site.reset();
      folder = std::make_unique<TemporaryDirectory>();
      site = std::make_unique<Site<Store>>(name, folder->path().string(),
                                           n % 2 == 0 ? Floor::none : Floor::zero, seen);
    }
    if (!fresh && n == 1) {
      if (const Ending ending = run(site->command(queue, most_threads, 100, seed)); ending != 0) {
        throw Wrong("a writer that nobody disturbs " + show_ending(ending));
      }
      site->finished();
    }
    std::vector<std::string> command = prefix(n);
    const std::vector<std::string> writer = site->command(queue, threads, updates, seed + n);
    command.insert(command.end(), writer.begin(), writer.end());
    const Ending ending = run(command);
    if (ending != 0 && ending != killed_by(SIGKILL)) {
      throw Wrong("the writer " + show_ending(ending) + ": " + site->current().told.data());
    }
    site->finished();
    site->check(n % 2 == 0);
    if (ending == 0) return;
    ++seen.kills;
  }
}

/// The same for new stores and grown ones, and each queue. On one thread, unless `prefix` counts those of all threads
/// together.
template <class Store>
void kill_at_each(const std::string& what, const std::string& name, std::size_t threads,
                  std::uint64_t updates, std::uint64_t seed,
                  const std::function<std::vector<std::string>(std::uint64_t)>& prefix) {
  for (const std::string queue : {"inline", "jthread"}) {
    for (const bool fresh : {true, false}) {
      Seen seen;
      const std::string where = name + ", " + queue + (fresh ? ", new store, " : ", grown store, ") + what;
      try {
        kill_at_each<Store>(name, queue, threads, updates, fresh, seen, seed, prefix);
      } catch (const std::exception& error) {
        throw Wrong(where + " number " + std::to_string(seen.kills) + ": " + error.what());
      }
      if (seen.kills != 0) seen.print(where);
    }
  }
}

template <class Store>
void kill_at_points(const std::string& name, std::uint64_t updates, std::uint64_t seed) {
  require_strace();
  for (const std::string call : {"openat", "pwrite64", "write", "writev", "fsync", "fdatasync", "ftruncate",
                                 "rename", "unlink", "close"}) {
    kill_at_each<Store>("at each " + call, name, 1, updates, seed,
                        [&](std::uint64_t n) -> std::vector<std::string> {
                          return {"strace",
                                  "-f",
                                  "-qq",
                                  "-o",
                                  "/dev/null",
                                  "-e",
                                  "trace=" + call,
                                  "-e",
                                  "inject=" + call + ":signal=SIGKILL:when=" + std::to_string(n)};
                        });
  }
}

template <class Store>
void kill_in_writes(const std::string& name, std::uint64_t updates, std::uint64_t seed) {
  const std::string library = sibling("libtorn_write.so");
  for (const std::string part : {"1", "50", "99"}) {
    kill_at_each<Store>("after " + part + " % of each write", name, most_threads, updates, seed,
                        [&](std::uint64_t n) -> std::vector<std::string> {
                          return {"env", "LD_PRELOAD=" + library,
                                  "LIVECOUNT_TORN_WRITE=" + std::to_string(n) + " " + part + " kill"};
                        });
  }
}

/// Power cuts: the file system of an image stops to write, at once, below a process that has been stopped.
template <class Store>
void cut_power(const std::string& name, std::uint64_t amount, std::uint64_t seed) {
  if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    throw Skipped("only root may mount a file system");
  }
  struct Kind {
    std::string name, make, options;
  };
  std::mt19937_64 random(seed);
  for (const Kind& kind :
       {Kind{"ext4", "mkfs.ext4 -qF", "loop"},
        Kind{"ext4, data=writeback", "mkfs.ext4 -qF", "loop,noauto_da_alloc,data=writeback"},
        Kind{"xfs", "mkfs.xfs -qf", "loop"}}) {
    const TemporaryDirectory folder;
    const std::string image = folder.path().string() + "/image";
    const std::string disk = folder.path().string() + "/disk";
    std::filesystem::create_directory(disk);
    const std::vector<std::string> mount = {"mount", "-o", kind.options, image, disk};
    if (run({"sh", "-c",
             "command -v xfs_io >/dev/null && truncate -s 400M " + image + " && " + kind.make + " " +
                 image}) != 0 ||
        run(mount) != 0) {
      throw Skipped("no file system on a loop device: this needs root, xfsprogs and e2fsprogs");
    }
    Seen seen;
    {
      Site<Store> site(name, disk, Floor::zero, seen,
                       syncs_each_batch(name) ? Loss::nothing : Loss::a_suffix);
      for (; seen.kills < amount; ++seen.kills) {
        Process writer(site.command(random() % 2 == 0 ? "inline" : "jthread", most_threads, 0, random()));
        if (random() % 4 != 0) (void)writer.wait_until([&] { return site.current().opened.load(); });
        std::this_thread::sleep_for(microseconds(random() % 50'000));
        writer.stop();  // else a sync that is under way might return as if nothing had happened
        const std::string how =
            random() % 2 == 0 ? "shutdown" : "shutdown -f";  // -f: the file system's own journal is written
        const bool cut = run({"xfs_io", "-x", "-c", how, disk}) == 0;
        (void)writer.kill();
        if (!cut || run({"umount", disk}) != 0 || run(mount) != 0)
          throw std::runtime_error("cannot cut the power");
        try {
          site.finished();
          if (random() % 3 != 0) site.check(random() % 2 == 0);
        } catch (const std::exception& error) {
          throw Wrong(kind.name + ", after " + std::to_string(seen.kills + 1) + " cuts: " + error.what());
        }
      }
    }
    (void)run({"umount", disk});
    seen.print(name + ", power cuts, " + kind.name);
  }
}

void dispatch(const std::vector<std::string>& words) {
  const std::uint64_t amount = words.size() > 2 ? std::stoull(words[2]) : 12;
  const std::uint64_t seed = words.size() > 3 ? std::stoull(words[3]) : std::random_device{}();
  std::cout << "seed " << seed << std::endl;
  with_store(words[1], [&]<class Store>(std::type_identity<Store>) {
    if (words[0] == "random") return kill_at_random<Store>(words[1], amount, seed);
    if (words[0] == "points") return kill_at_points<Store>(words[1], amount, seed);
    if (words[0] == "torn") return kill_in_writes<Store>(words[1], amount, seed);
    if (words[0] == "power") return cut_power<Store>(words[1], amount, seed);
    throw std::runtime_error("there is no case " + words[0]);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 2) {
    std::cerr << "usage: crash_driver random|points|torn|power STORE [AMOUNT [SEED]]\n";
    return 2;
  }
  return conclude([&] { dispatch(words); });
}
