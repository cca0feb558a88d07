// SPDX-License-Identifier: BSL-1.0
// fault_driver CASE STORE: disturbs the file system below a process that counts, and judges what becomes of its counts.
//
// While the fault lasts, counting goes on within its bound and the error handler is told of the file and the reason.
// When it is lifted, the same process catches up: everything that it has accepted is in the store, once. Killed in the
// middle of the fault and started again, it has lost nothing that was acknowledged. Ends with 0, or 1 when something
// was wrong, or 77 when the machine does not allow the case.
#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "crash/site.hpp"

namespace {

namespace fs = std::filesystem;
using namespace livecount;
using namespace livecount::crash;
using std::chrono::milliseconds;

// ---- a world to disturb

/// A file system of its own in memory, which nobody else sees.
class SmallDisk {
 public:
  explicit SmallDisk(const std::string& options) {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", path().c_str(), "tmpfs", 0, options.c_str()) != 0) {
      throw Skipped("only root may mount a file system");
    }
  }
  ~SmallDisk() { ::umount2(path().c_str(), MNT_DETACH); }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  [[nodiscard]] std::string path() const { return folder_.path().string(); }
  [[nodiscard]] std::string ballast() const { return path() + "/ballast"; }

  /// Until nothing more gets in.
  void fill() const {
    for (const std::size_t size : {std::size_t{1} << 20, std::size_t{1} << 12}) {
      std::ofstream file(ballast(), std::ios::binary | std::ios::app);
      const std::string block(size, 'x');
      while (file.write(block.data(), static_cast<std::streamsize>(size)).flush()) {
      }
    }
  }
  void remount(unsigned long flags) const {
    if (::mount("tmpfs", path().c_str(), "tmpfs", MS_REMOUNT | flags, nullptr) != 0) {
      throw std::runtime_error("cannot mount " + path() + " anew");
    }
  }

 private:
  TemporaryDirectory folder_;
};

struct Fault {
  std::function<void(const Process&)> begin, end;
  std::vector<std::string> reasons;      // one of them is told
  std::function<void()> keep = nullptr;  // called while it lasts
};

std::uint64_t sum(
    const std::array<std::array<std::atomic<std::uint64_t>, most_names>, most_threads>& updates) {
  std::uint64_t sum = 0;
  for (const auto& thread : updates) {
    for (const auto& count : thread) sum += count;
  }
  return sum;
}

void expect(bool condition, const std::string& what, const Log& log) {
  if (!condition) throw Wrong(what + "; told last: \"" + log.told.data() + "\"");
}

void expect_told(const Log& log, const std::string& path, const std::vector<std::string>& reasons) {
  const auto is_told = [&] {
    const std::string told = log.told.data();
    const auto is_in = [&](const std::string& text) { return told.find(text) != std::string::npos; };
    return is_in(path) && std::any_of(reasons.begin(), reasons.end(), is_in);
  };
  // It may be in the middle of telling something anew: so once is enough.
  bool told = is_told();
  for (int i = 0; i < 1'000 && !told; ++i) {
    std::this_thread::sleep_for(milliseconds(1));
    told = is_told();
  }
  expect(told, "the message names " + path + " and the reason", log);
}

// ---- outages: a fault that begins below a running process, and ends

/// A process that nothing disturbs any more catches up, and ends in good order.
template <class Store>
void finish_well(Site<Store>& site, Process& writer) {
  Log& log = site.current();
  const std::uint64_t attempted = sum(log.attempted);
  expect(writer.wait_until([&] { return sum(log.acknowledged) >= attempted; }), "it catches up", log);
  log.stop = true;
  const Ending ending = writer.wait();
  expect(ending == 0, "it ends in good order, but it " + show_ending(ending), log);
  expect(sum(log.acknowledged) == sum(log.attempted), "all that was accepted is acknowledged in the end",
         log);
  site.finished();
  site.check(false);
}

enum class Then { catches_up, is_killed };
enum class Cache : std::size_t { roomy = 1'024, tight = 64 };  // entries: more than there are keys, or fewer

/// A process counts, the fault begins, it goes on, the fault ends, and it catches up or is killed.
template <class Store>
void outage(Site<Store>& site, const std::string& queue, Cache cache, Then then, const Fault& fault) {
  Log& log = site.current();
  Process writer(site.command(queue, most_threads, 0, 1, static_cast<std::size_t>(cache)));
  expect(writer.wait_until([&] { return sum(log.acknowledged) >= 100; }), "counting begins", log);
  fault.begin(writer);
  expect(writer.wait_until([&] { return log.failures >= 3; }), "the fault is felt and told", log);
  expect_told(log, site.path(), fault.reasons);
  if (cache == Cache::roomy) {
    const std::uint64_t attempted = sum(log.attempted);
    expect(writer.wait_until([&] { return sum(log.attempted) >= attempted + 100; }), "counting goes on", log);
  } else {
    const auto is_refused = [&] {
      if (fault.keep) fault.keep();
      return log.refused >= 3;
    };
    expect(writer.wait_until(is_refused), "past the bound updates are refused", log);
  }
  if (then == Then::is_killed) {
    (void)writer.kill();
    fault.end(writer);
    site.finished();
    site.check(true);
    return;
  }
  fault.end(writer);
  finish_well(site, writer);
}

/// Each way to feel it, one after the other on one store.
template <class Store>
void outages(Site<Store>& site, const Fault& fault) {
  for (const Then then : {Then::is_killed, Then::catches_up}) {
    outage(site, "jthread", Cache::roomy, then, fault);
    outage(site, "jthread", Cache::tight, then, fault);
    outage(site, "inline", Cache::roomy, then, fault);
  }
}

template <class Store>
void disk_full(const std::string& name) {
  const SmallDisk disk("size=128m");
  Seen seen;
  Site<Store> site(name, disk.path(), Floor::zero, seen);
  // SQLite makes room by writing its log back, and then goes on for a while: so the disk is filled again and again.
  outages(site, {[&](const Process&) { disk.fill(); },
                 [&](const Process&) { fs::remove(disk.ballast()); },
                 {"full", "No space left"},
                 [&] { disk.fill(); }});
}

/// Where SQLite and shells meet EFBIG.
template <class Store>
void file_size_limit(const std::string& name) {
  const TemporaryDirectory folder;
  Seen seen;
  Site<Store> site(name, folder.path().string(), Floor::zero, seen);
  const auto limit = [](const Process& writer, rlim_t size) {
    const rlimit sizes{size, RLIM_INFINITY};
    if (writer.id() > 0 && ::prlimit(writer.id(), RLIMIT_FSIZE, &sizes, nullptr) != 0) {
      throw Skipped("limits of another process cannot be set");
    }
  };
  outages(site, {[&](const Process& writer) { limit(writer, 100); },
                 [&](const Process& writer) { limit(writer, RLIM_INFINITY); },
                 {"I/O error", "full", "File too large"}});
}
/// An errno for every system call of a kind, from some moment on: a tracer that comes and goes.
template <class Store>
void error_for_ever(const std::string& name, const std::string& calls, const std::string& error,
                    const std::vector<std::string>& reasons) {
  require_strace();
  const TemporaryDirectory folder;
  Seen seen;
  Site<Store> site(name, folder.path().string(), Floor::zero, seen);
  std::unique_ptr<Process> tracer;
  outages(site, {[&](const Process& writer) {
                   tracer = std::make_unique<Process>(std::vector<std::string>{
                       "strace", "-f", "-qq", "-o", "/dev/null", "-p", std::to_string(writer.id()), "-e",
                       "trace=" + calls, "-e", "inject=" + calls + ":error=" + error});
                 },
                 [&](const Process&) {
                   tracer->signal(SIGTERM);
                   (void)tracer->wait();
                 },
                 reasons});
}

/// SQLITE_BUSY: another program holds the lock of writers.
void another_writer(const std::string& name) {
  const TemporaryDirectory folder;
  Seen seen;
  Site<SqliteStore> site(name, folder.path().string(), Floor::zero, seen);
  std::optional<detail::SqliteConnection> other;
  outages(site, {[&](const Process&) {
                   other.emplace(site.path(), SQLITE_OPEN_READWRITE, milliseconds(10'000));
                   other->execute("BEGIN IMMEDIATE");
                 },
                 [&](const Process&) { other.reset(); },
                 {"database is locked"}});
}

/// The file is moved away, and back.
template <class Store>
void moved_away(const std::string& name) {
  const TemporaryDirectory folder;
  Seen seen;
  Site<Store> site(name, folder.path().string(), Floor::zero, seen);
  outages(site, {[&](const Process&) { fs::rename(site.path(), site.path() + ".aside"); },
                 [&](const Process&) { fs::rename(site.path() + ".aside", site.path()); },
                 {"deleted, renamed or replaced", "unable to open"}});
}

/// The file goes for good, and something else may take its place: nothing more is acknowledged.
template <class Store>
void gone(Site<Store>& site, const std::function<void(const Process&)>& take_away,
          const std::vector<std::string>& reasons) {
  Log& log = site.current();
  Process writer(site.command("jthread", most_threads, 0, 1, static_cast<std::size_t>(Cache::roomy)));
  expect(writer.wait_until([&] { return sum(log.acknowledged) >= 100; }), "counting begins", log);
  take_away(writer);
  expect(writer.wait_until([&] { return log.failures >= 3; }), "the fault is felt and told", log);
  expect_told(log, site.path(), reasons);
  const std::uint64_t acknowledged = sum(log.acknowledged);
  const std::uint64_t attempted = sum(log.attempted);
  expect(writer.wait_until([&] { return sum(log.attempted) >= attempted + 100; }), "counting goes on", log);
  expect(sum(log.acknowledged) == acknowledged, "nothing more is acknowledged", log);
  log.stop = true;
  const Ending ending = writer.wait();
  expect(ending == 3, "it tells that something is left, but it " + show_ending(ending), log);
}

/// Of an SQLite file there is no second copy: it is not made anew. A FileStore has all counts in memory, and makes it.
template <class Store>
void deleted(const std::string& name) {
  const TemporaryDirectory folder;
  Seen seen;
  Site<Store> site(name, folder.path().string(), Floor::zero, seen);
  const auto take_away = [&](const Process&) { fs::remove(site.path()); };
  if constexpr (std::same_as<Store, SqliteStore>) {
    gone(site, take_away, {"deleted, renamed or replaced", "unable to open"});
    if (fs::exists(site.path())) throw Wrong("a file that was deleted has been made anew");
  } else {
    Log& log = site.current();
    Process writer(site.command("jthread", most_threads, 0, 1));
    expect(writer.wait_until([&] { return sum(log.acknowledged) >= 100; }), "counting begins", log);
    take_away(writer);
    // A compaction that just ends puts its file there, and nothing is amiss that could be told.
    const auto felt_or_made_anew = [&] { return log.failures >= 1 || fs::exists(site.path()); };
    expect(writer.wait_until(felt_or_made_anew), "the fault is felt and told", log);
    if (log.failures >= 1) expect_told(log, site.path(), {"deleted, renamed or replaced"});
    finish_well(site, writer);
  }
}

/// Counts for a while, to a good end.
template <class Store>
void count_well(Site<Store>& site) {
  Process writer(site.command("jthread", most_threads, 300, 1));
  Log& log = site.current();
  const Ending ending = writer.wait();
  expect(ending == 0, "counting works, but it " + show_ending(ending), log);
  expect(sum(log.acknowledged) == sum(log.attempted), "all is acknowledged in the end", log);
  site.finished();
  site.check(false);
}

/// Between a FileStore's last look at the path and the rename that ends its compaction nothing can be noticed.
void stop_between_renames(const Process& writer, const std::string& path) {
  writer.stop();
  while (fs::exists(path + ".new")) {
    writer.signal(SIGCONT);
    std::this_thread::sleep_for(milliseconds(1));
    writer.stop();
  }
}

template <class Store>
void replaced(const std::string& name) {
  const TemporaryDirectory folder;
  const TemporaryDirectory other_folder;
  Seen seen;
  Site<Store> site(name, folder.path().string(), Floor::zero, seen);
  Site<Store> other(name, other_folder.path().string(), Floor::zero, seen);
  count_well(other);
  gone(site,
       [&](const Process& writer) {
         stop_between_renames(writer, site.path());
         for (const fs::path& file : fs::directory_iterator(folder.path())) {
           if (file != site.path()) fs::remove(file);
         }
         fs::rename(other.path(), site.path());
         writer.signal(SIGCONT);
       },
       {"deleted, renamed or replaced", "knows nothing of this writer", "is another file"});
  fs::rename(site.path(), other.path());
  other.check(false);  // nothing was counted into it
}

// ---- a process that cannot start

/// A store with counts; a start that is refused, with the path and the reason; and a good one when the fault is over.
template <class Store>
void refused_start(Site<Store>& site, const std::vector<std::string>& reasons,
                   const std::function<void()>& begin, const std::function<void()>& end,
                   const std::vector<std::string>& prefix = {}) {
  begin();
  std::vector<std::string> command = prefix;
  for (const std::string& word : site.command("jthread", 1, 50, 1)) command.push_back(word);
  const Ending ending = run(command);
  expect(ending == 4, "the start is refused, but it " + show_ending(ending), site.current());
  expect_told(site.current(), site.path(), reasons);
  site.finished();
  end();
  count_well(site);
}

template <class Store>
void read_only(const std::string& name) {
  const SmallDisk disk("size=128m");
  Seen seen;
  Site<Store> site(name, disk.path(), Floor::zero, seen);
  for (int i = 0; i < 2; ++i) {  // without a store, and with one
    refused_start(
        site, {"unable to open", "readonly", "Read-only"}, [&] { disk.remount(MS_RDONLY); },
        [&] { disk.remount(0); });
  }
}

template <class Store>
void permission_denied(const std::string& name) {
  const std::vector<std::string> nobody = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"};
  std::vector<std::string> trial = nobody;
  trial.insert(trial.end(), {"test", "-x", sibling("crash_writer")});
  if (run(trial) != 0) throw Skipped("only root may become somebody else, who must be able to run the tests");
  const TemporaryDirectory folder;
  Seen seen;
  Site<Store> site(name, folder.path().string(), Floor::zero, seen);
  fs::permissions(fs::path(site.current_log_path()).parent_path(), fs::perms::all);
  for (int i = 0; i < 2; ++i) {
    refused_start(
        site, {"unable to open", "Permission denied", "readonly"},
        [&] { fs::permissions(folder.path(), fs::perms(0755)); }, [] {}, nobody);
  }
}

template <class Store>
void folder_in_its_place(const std::string& name) {
  const TemporaryDirectory folder;
  Seen seen;
  Site<Store> site(name, folder.path().string(), Floor::zero, seen);
  refused_start(
      site, {"unable to open", "is a folder"}, [&] { fs::create_directory(site.path()); },
      [&] { fs::remove(site.path()); });
}

template <class Store>
void too_many_files(const std::string& name) {
  const TemporaryDirectory folder;
  Seen seen;
  Site<Store> site(name, folder.path().string(), Floor::zero, seen);
  std::size_t refused = 0;
  for (rlim_t most = 4; most <= 16; ++most) {
    const std::vector<std::string> command = site.command("jthread", 1, 50, most);
    Process writer(command, [most] {
      const rlimit files{most, most};
      (void)::setrlimit(RLIMIT_NOFILE, &files);
    });
    const Ending ending = writer.wait();
    if (ending == 127) continue;  // not even its libraries could be opened
    expect(ending == 0 || ending == 4, "it counts or is refused, but it " + show_ending(ending),
           site.current());
    if (ending == 4) {
      ++refused;
      // It may be the folder that could not be opened, to be synced.
      expect_told(site.current(), folder.path().string(), {"unable to open", "Too many open files"});
    }
    site.finished();
    site.check(true);
  }
  if (refused == 0) throw Wrong("no start was refused");
}

/// A FileStore is one process's: a second one is told who has it, and the first one goes on.
void second_process(const std::string& name) {
  const TemporaryDirectory folder;
  const SharedLog second((folder.path() / "second").string());
  Seen seen;
  Site<FileStore> site(name, folder.path().string(), Floor::zero, seen);
  Log& log = site.current();
  std::vector<std::string> command = site.command("jthread", most_threads, 0, 1);
  Process writer(command);
  expect(writer.wait_until([&] { return sum(log.acknowledged) >= 100; }), "counting begins", log);
  command[4] = second.path();
  for (int i = 0; i < 3; ++i) {
    const Ending ending = run(command);
    expect(ending == 4, "the second process is refused, but it " + show_ending(ending), *second);
    expect_told(*second, site.path(), {"process " + std::to_string(writer.id())});
  }
  finish_well(site, writer);
}

// ---- one error, at each place

/// The n-th system call of a kind fails once, for each n: the process goes on, or its start is refused.
template <class Store>
void error_once(const std::string& name, const std::string& call, const std::string& error) {
  const std::uint64_t updates = std::same_as<Store, SqliteStore> ? 4 : 20;  // a FileStore makes fewer calls
  Seen seen;
  std::unique_ptr<TemporaryDirectory> folder;
  std::unique_ptr<Site<Store>> site;
  for (const std::string queue : {"inline", "jthread"}) {
    for (const bool fresh : {true, false}) {
      std::uint64_t n = 1;
      for (std::uint64_t failures = 1; failures != 0; ++n) {
        if (fresh || n == 1) {
          site.reset();
          folder = std::make_unique<TemporaryDirectory>();
          site = std::make_unique<Site<Store>>(name, folder->path().string(), Floor::zero, seen);
          if (!fresh) count_well(*site);
        }
        const std::string report = folder->path().string() + ".strace";
        std::vector<std::string> command = {
            "strace",
            "-f",
            "-qq",
            "-o",
            report,
            "-e",
            "trace=" + call,
            "-e",
            "inject=" + call + ":error=" + error + ":when=" + std::to_string(n)};
        for (const std::string& word : site->command(queue, 1, updates, n)) command.push_back(word);
        const Ending ending = run(command);
        std::ifstream file(report);
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        fs::remove(report);
        failures = text.find("(INJECTED)") == std::string::npos ? 0 : 1;
        const Log& log = site->current();
        const std::string where = call + " number " + std::to_string(n) + ", " + error + ", " + queue + ": ";
        expect(ending == 0 || (ending == 4 && failures != 0),
               where + "it goes on or its start is refused, but it " + show_ending(ending), log);
        if (ending == 0)
          expect(sum(log.acknowledged) == sum(log.attempted), where + "all is acknowledged in the end", log);
        if (ending == 4) expect_told(log, folder->path().string(), {""});
        site->finished();
        site->check(n % 2 == 0);
      }
      std::cout << name << ", " << queue << (fresh ? ", new store, " : ", grown store, ") << error
                << " at each of " << n - 2 << " " << call << std::endl;
    }
  }
}

template <class Store>
void errors_once(const std::string& name) {
  require_strace();
  for (const std::string call :
       {"pwrite64", "write", "writev", "fsync", "fdatasync", "ftruncate", "rename", "unlink"}) {
    error_once<Store>(name, call, "EIO");
  }
}

/// Writes that tell that they wrote only a part.
template <class Store>
void short_writes(const std::string& name) {
  const TemporaryDirectory folder;
  Seen seen;
  Site<Store> site(name, folder.path().string(), Floor::zero, seen);
  for (const std::string part : {"1", "50", "99"}) {
    for (const std::string queue : {"inline", "jthread"}) {
      std::vector<std::string> command = {"env", "LD_PRELOAD=" + sibling("libtorn_write.so"),
                                          "LIVECOUNT_TORN_WRITE=1 " + part + " short"};
      for (const std::string& word : site.command(queue, most_threads, 100, 1)) command.push_back(word);
      const Ending ending = run(command);
      expect(ending == 0, "it counts, but it " + show_ending(ending), site.current());
      expect(sum(site.current().acknowledged) == sum(site.current().attempted),
             "all is acknowledged in the end", site.current());
      site.finished();
      site.check(true);
    }
  }
}

int run_case(const std::string& test, const std::string& store) {
  return with_store(store, [&]<class Store>(std::type_identity<Store>) {
    const std::map<std::string, std::function<void()>> cases = {
        {"disk_full", [&] { disk_full<Store>(store); }},
        {"file_size_limit", [&] { file_size_limit<Store>(store); }},
        {"write_error",
         [&] {
           error_for_ever<Store>(store, "pwrite64,write,writev", "EIO", {"I/O error", "Input/output error"});
         }},
        {"another_writer", [&] { another_writer(store); }},
        {"second_process", [&] { second_process(store); }},
        {"moved_away", [&] { moved_away<Store>(store); }},
        {"deleted", [&] { deleted<Store>(store); }},
        {"replaced", [&] { replaced<Store>(store); }},
        {"read_only", [&] { read_only<Store>(store); }},
        {"permission_denied", [&] { permission_denied<Store>(store); }},
        {"folder_in_its_place", [&] { folder_in_its_place<Store>(store); }},
        {"too_many_files", [&] { too_many_files<Store>(store); }},
        {"errors_once", [&] { errors_once<Store>(store); }},
        {"short_writes", [&] { short_writes<Store>(store); }},
        {"sync_error",
         [&] {
           error_for_ever<Store>(store, "fsync,fdatasync", "EIO", {"I/O error", "Input/output error"});
         }},
    };
    const auto found = cases.find(test);
    if (found == cases.end()) throw std::runtime_error("there is no case " + test);
    return conclude(found->second);
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: fault_driver CASE STORE\n";
    return 2;
  }
  return run_case(argv[1], argv[2]);
}
