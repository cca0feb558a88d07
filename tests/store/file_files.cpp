// SPDX-License-Identifier: BSL-1.0
// Files that a FileStore must leave alone, may only read, or loses; processes; threads.
#include <livecount/store/file_store.hpp>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <thread>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/file_place.hpp"
#include "store/writer.hpp"
#include "support/catch.hpp"
#include "support/threads.hpp"

namespace {

namespace fs = std::filesystem;
using namespace livecount;
using namespace livecount::tests;

void make_store(const FilePlace& place, Count count = 1) {
  FileStore store(place.options());
  REQUIRE(is_applied(Writer(1).send(store, {plus("a", count)})));
}

}  // namespace

// ---- files that are something else, or not safe

TEST_CASE("a file that is no journal is refused and left as it was") {
  const FilePlace place;
  for (const std::string& text : {std::string(5'000, 'x'), std::string("x"), std::string("LVCOUNTS")}) {
    write_bytes(place.path, text);
    fs::permissions(place.path, fs::perms(0600));
    for (const FileStore::Options& options : {place.options(), place.read_only(), place.salvage()}) {
      const Error error = refusal(options);
      CHECK(error.code() == Errc::not_livecount);
      CHECK(mentions(error, place.path));
    }
    CHECK(bytes_of(place.path) == text);
  }
}

TEST_CASE("a journal of a newer livecount is refused and left as it was") {
  const FilePlace place;
  make_store(place);
  std::string bytes = bytes_of(place.path);
  bytes[8] = 2;
  write_bytes(place.path, bytes);
  for (const FileStore::Options& options : {place.options(), place.read_only(), place.salvage()}) {
    const Error error = refusal(options);
    CHECK(error.code() == Errc::version_too_new);
    CHECK(mentions(error, "version 2"));
    CHECK(mentions(error, "version 1"));
  }
  CHECK(bytes_of(place.path) == bytes);
}

TEST_CASE("an empty file becomes a journal") {
  const FilePlace place;
  write_bytes(place.path, "");
  fs::permissions(place.path, fs::perms(0600));
  make_store(place);
  CHECK(FileStore(place.read_only()).read(named("a")) == 1);
}

TEST_CASE("paths that others could turn elsewhere are refused") {
  const FilePlace place;
  const auto check = [&](std::string_view word) {
    const Error error = refusal(place.options());
    CAPTURE(error.what());
    CHECK(error.code() == Errc::unsafe_path);
    CHECK(mentions(error, place.path));
    CHECK(mentions(error, word));
  };
  SECTION("a folder") {
    fs::create_directory(place.path);
    check("folder");
  }
  SECTION("a symbolic link") {
    make_store(place);
    fs::rename(place.path, place.path + "-elsewhere");
    fs::create_symlink(place.path + "-elsewhere", place.path);
    check("symbolic link");
    CHECK(refusal(place.read_only()).code() == Errc::unsafe_path);
  }
  SECTION("a symbolic link in place of the snapshot") {
    {
      FileStore store(place.options());
      REQUIRE(is_applied(Writer(1).send(store, {plus("a", 1)})));
      store.compact();
    }
    fs::rename(place.snapshot, place.path + "-elsewhere");
    fs::create_symlink(place.path + "-elsewhere", place.snapshot);
    check("symbolic link");
  }
  SECTION("a pipe") {
    REQUIRE(::mkfifo(place.path.c_str(), 0600) == 0);
    check("no regular file");
  }
  SECTION("a file with two names") {
    make_store(place);
    fs::create_hard_link(place.path, place.path + "-too");
    check("hard link");
  }
  SECTION("a file that others may write") {
    make_store(place);
    fs::permissions(place.path, fs::perms(0666));
    check("chmod");
    CHECK(FileStore(place.read_only()).read(named("a")) == 1);
  }
  SECTION("a folder that anybody may write to") {
    fs::permissions(place.directory.path(), fs::perms(0777));
    check("chmod");
    fs::permissions(place.directory.path(), fs::perms(01777));
    make_store(place);
  }
  SECTION("another user's file") {
    make_store(place);
    if (::geteuid() != 0) {
      WARN("skipped: only root may give files away");
      return;
    }
    REQUIRE(::chown(place.path.c_str(), 65534, 65534) == 0);
    check("belongs to user 65534");
  }
}

TEST_CASE("a path where no file can be made, or where none is to be read, is refused with the path") {
  const FilePlace place;
  FileStore::Options options = place.options();
  options.path = place.path + "/no/such/folder";
  CHECK(refusal(options).code() == Errc::store_unavailable);
  CHECK(mentions(refusal(options), options.path));
  const Error error = refusal(place.read_only());
  CHECK(error.code() == Errc::store_unavailable);
  CHECK(mentions(error, place.path));
  CHECK(place.files() == 0);
  options.path = "";
  CHECK(refusal(options).code() == Errc::invalid_option);
}

// ---- files that go while they are in use

TEST_CASE("a journal that is deleted while it is in use is written anew from memory") {
  const FilePlace place;
  Writer writer(1);
  {
    FileStore store(place.options());
    REQUIRE(is_applied(writer.send(store, {plus("a", 1)})));
    fs::remove(place.path);
    CHECK(writer.send(store, {plus("a", 1)}).outcome == Outcome::unknown);
    CHECK(store.read(named("a")) == 1);
    CHECK(is_applied(writer.send_again(store, {plus("a", 1)})));
  }
  CHECK(FileStore(place.options()).read(named("a")) == 2);
}

TEST_CASE("a journal that is replaced while it is in use is not written over") {
  const FilePlace place;
  Writer writer(1);
  FileStore store(place.options());
  REQUIRE(is_applied(writer.send(store, {plus("a", 1)})));
  fs::rename(place.path, place.path + "-old");
  write_bytes(place.path, "precious");
  CHECK(writer.send(store, {plus("a", 1)}).outcome == Outcome::unknown);
  const ApplyResult result = writer.send_again(store, {plus("a", 1)});
  CHECK(result.outcome == Outcome::unknown);
  CHECK(result.error == Errc::store_failed);
  CHECK(bytes_of(place.path) == "precious");
  fs::rename(place.path + "-old", place.path);
  CHECK(is_applied(writer.send_again(store, {plus("a", 1)})));
}

TEST_CASE("a compaction does not write over a journal that was put in the place of its own") {
  const FilePlace place;
  Writer writer(1);
  FileStore store(place.options());
  REQUIRE(is_applied(writer.send(store, {plus("a", 1)})));
  fs::rename(place.path, place.path + "-old");
  write_bytes(place.path, "precious");
  CHECK_THROWS_AS(store.compact(), Error);
  CHECK(bytes_of(place.path) == "precious");
  CHECK(writer.send(store, {plus("a", 1)}).outcome == Outcome::unknown);
  fs::rename(place.path + "-old", place.path);
  CHECK(is_applied(writer.send_again(store, {plus("a", 1)})));
  store.compact();
  CHECK(store.read(named("a")) == 2);
}

// ---- processes and threads

TEST_CASE("a forked child is refused, and cannot harm its parent's files") {
  const FilePlace place;
  {
    FileStore::Options options = place.options();
    options.sync = FileSync::interval;  // a thread that the child does not have
    options.compact_bytes = 1'000'000;  // and another one
    auto store = std::make_unique<FileStore>(options);
    REQUIRE(is_applied(Writer(1).send(*store, {plus("a", 1)})));
    const pid_t child = ::fork();
    if (child == 0) {
      bool refused = is_refused(Writer(2).send(*store, {plus("a", 1)}), Errc::forked_child);
      try {
        (void)store->read(named("a"));
        refused = false;
      } catch (const Error& error) {
        refused = refused && error.code() == Errc::forked_child;
      }
      store.reset();
      ::_exit(refused ? 0 : 1);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK_FALSE(FileStore(place.read_only()).recovered().closed);
    CHECK(refusal(place.options()).code() == Errc::locked);
    REQUIRE(is_applied(Writer(3).send(*store, {plus("a", 1)})));
  }
  CHECK(FileStore(place.options()).read(named("a")) == 2);
}

TEST_CASE("a forked child that lives longer than the store does not keep it locked") {
  const FilePlace place;
  auto store = std::make_unique<FileStore>(place.options());
  REQUIRE(is_applied(Writer(1).send(*store, {plus("a", 1)})));
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::raise(SIGSTOP);
  }
  REQUIRE(::waitpid(child, nullptr, WUNTRACED) == child);
  CHECK(refusal(place.options()).code() == Errc::locked);
  store.reset();
  CHECK(refusal(place.options()).code() == Errc::ok);
  ::kill(child, SIGKILL);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
}

TEST_CASE("compactions run beside batches, questions and readers of the files") {
  const FilePlace place;
  FileStore::Options options = place.options();
  options.sync = FileSync::interval;
  options.sync_interval = std::chrono::milliseconds(1);
  options.compact_bytes = 4'000;
  Count sent = 0;
  std::vector<std::string> names;
  for (int i = 0; i < 97; ++i) names.push_back("name " + std::to_string(i));
  std::atomic<int> wrong{0};
  {
    FileStore store(options);
    std::atomic<bool> done{false};
    run_together([&](int number, auto&) {
      if (number == 0) {
        Writer writer(1);
        for (; sent < 600 || store.status().compactions < 2; ++sent) {
          const Record changes = plus(names[static_cast<std::size_t>(sent) % names.size()], 1);
          if (!is_applied(writer.send(store, {plus("batches", 1), changes}))) ++wrong;
        }
        done = true;
        return;
      }
      while (!done) {
        if (number == 1) store.compact();
        const Count before = store.read(named("batches")).value_or(0);
        const FileStore reader(place.read_only());
        Count sum = 0;
        reader.scan("ns", PeriodType::all, all, [&](const KeyView&, Count count) { sum += count; });
        const Count found = reader.read(named("batches")).value_or(0);
        if (found < before || sum != 2 * found) ++wrong;
        std::this_thread::yield();
      }
    });
    CHECK(store.status().compactions > 1);
    CHECK(store.status().last_failure.empty());
  }
  CHECK(wrong == 0);
  const FileStore store(place.options());
  CHECK(store.read(named("batches")) == sent);
  CHECK(store.read(named("name 1")) == (sent + 95) / 97);
}

TEST_CASE("old buckets go beside compactions, and do not come again when the files are read") {
  const FilePlace place;
  FileStore::Options options = place.options();
  options.compact_bytes = 2'000;
  constexpr std::int64_t buckets = 2'000, kept = 20;
  std::int64_t last = 0;
  const auto bucket = [](std::int64_t start) { return Bucket{PeriodType::second, start}; };
  std::atomic<int> wrong{0};
  const auto check = [&](const FileStore& store, std::int64_t newest) {
    const auto found = rows(store, "ns", PeriodType::second);
    for (const auto& [key, count] : found) {
      if (count != key.bucket.start || key.bucket.start <= newest - kept) ++wrong;
    }
    if (found.size() != std::min<std::size_t>(kept, static_cast<std::size_t>(newest))) ++wrong;
  };
  {
    FileStore store(options);
    std::atomic<bool> done{false};
    run_together([&](int number, auto&) {
      if (number != 0) {
        while (!done) {
          if (number == 1) store.compact();
          std::this_thread::yield();
        }
        return;
      }
      Writer writer(1);
      for (std::int64_t i = 1; i <= buckets || store.status().compactions < 3; ++i) {
        if (!is_applied(writer.send(store, {{named("a", bucket(i)), {i}}}))) ++wrong;
        (void)store.expire(bucket(i - kept + 1), 1);
        if (i % 100 == 0) check(store, i);
        if (i % 500 == 0) check(FileStore(place.read_only()), i);
        last = i;
      }
      done = true;
    });
    CHECK(store.status().last_failure.empty());
  }
  check(FileStore(place.options()), last);
  CHECK(wrong == 0);
}
