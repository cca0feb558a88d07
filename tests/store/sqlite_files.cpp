// SPDX-License-Identifier: BSL-1.0
// Files that an SqliteStore must leave alone, may only read, or loses.
#include <livecount/store/sqlite_store.hpp>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include "store/sqlite_place.hpp"
#include "store/writer.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace {

namespace fs = std::filesystem;
using namespace livecount;
using namespace livecount::tests;

/// While it lives, SQLite finds no file when it opens `path` for writing.
class OnlyForReading {
 public:
  explicit OnlyForReading(const std::string& path) {
    path_ = path;
    original_ = reinterpret_cast<Open*>(vfs_->xGetSystemCall(vfs_, "open"));
    vfs_->xSetSystemCall(vfs_, "open", reinterpret_cast<sqlite3_syscall_ptr>(&open));
  }
  ~OnlyForReading() { vfs_->xSetSystemCall(vfs_, "open", nullptr); }
  OnlyForReading(const OnlyForReading&) = delete;
  OnlyForReading& operator=(const OnlyForReading&) = delete;

 private:
  using Open = int(const char*, int, int);
  static int open(const char* path, int flags, int mode) {
    if (path != path_ || (flags & O_ACCMODE) == O_RDONLY) return original_(path, flags, mode);
    errno = ENOENT;
    return -1;
  }

  static inline sqlite3_vfs* const vfs_ = sqlite3_vfs_find(nullptr);
  static inline Open* original_ = nullptr;
  static inline std::string path_;
};

}  // namespace

// ---- files that are something else

TEST_CASE("a file that is no SQLite database is refused and left as it was") {
  const Place place;
  const std::string text(5'000, 'x');
  std::ofstream(place.path, std::ios::binary) << text;
  const bool read_only = GENERATE(false, true);
  const Error error = refusal(read_only ? place.read_only() : place.options());
  CHECK(error.code() == Errc::not_livecount);
  CHECK(contains(error.what(), place.path));
  CHECK(place.bytes() == text);
  CHECK(place.files() == 1);
}

TEST_CASE("another program's database is refused and left as it was") {
  const Place place;
  Connection(place.path).execute("CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('mine')");
  const std::string before = place.bytes();
  const bool read_only = GENERATE(false, true);
  const Error error = refusal(read_only ? place.read_only() : place.options());
  CHECK(error.code() == Errc::not_livecount);
  CHECK(contains(error.what(), place.path));
  CHECK(place.bytes() == before);
  CHECK(place.files() == 1);
}

TEST_CASE("a database of a newer livecount is refused and left as it was") {
  const Place place;
  { const SqliteStore store(place.options()); }
  Connection(place.path).execute("PRAGMA user_version = 3");
  const std::string before = place.bytes();
  const bool read_only = GENERATE(false, true);
  const Error error = refusal(read_only ? place.read_only() : place.options());
  CHECK(error.code() == Errc::version_too_new);
  CHECK(contains(error.what(), "version 3"));
  CHECK(contains(error.what(), "up to 2"));
  CHECK(place.bytes() == before);
}

TEST_CASE("an empty file becomes a database") {
  const Place place;
  std::ofstream(place.path).flush();
  SqliteStore store(place.options());
  CHECK(is_applied(Writer(1).send(store, {plus("a", 1)})));
}

TEST_CASE("counts in memory are refused: there is MemoryStore") {
  for (const std::string path : {":memory:", "", "file::memory:?cache=shared"}) {
    SqliteStore::Options options;
    options.path = path;
    const Error error = refusal(options);
    CHECK(error.code() == Errc::invalid_option);
    CHECK(contains(error.what(), "MemoryStore"));
  }
  CHECK_FALSE(fs::exists("file::memory:?cache=shared"));
}

TEST_CASE("a path with a zero byte is refused: SQLite would open another file") {
  const Place place;
  SqliteStore::Options options = place.options();
  options.path += std::string("\0.db", 4);
  CHECK(refusal(options).code() == Errc::invalid_option);
  CHECK(place.files() == 0);
}

TEST_CASE("a time-out of any size is bounded to what it can mean") {
  using std::chrono::milliseconds;
  for (const milliseconds timeout : {milliseconds::max(), milliseconds::min(), milliseconds(1LL << 32)}) {
    const Place place;
    SqliteStore::Options options = place.options();
    options.busy_timeout = timeout;
    SqliteStore store(options);
    Connection other(place.path);
    other.execute("BEGIN IMMEDIATE");
    std::thread later([&] {
      std::this_thread::sleep_for(milliseconds(30));
      other.execute("COMMIT");
    });
    CHECK((Writer(1).send(store, {plus("a", 1)}).outcome == Outcome::applied) == (timeout > milliseconds(0)));
    later.join();
  }
}

TEST_CASE("a path that is relative stays the same file wherever the process goes") {
  const Place place;
  const fs::path before = fs::current_path();
  fs::current_path(place.directory.path());
  SqliteStore::Options options = place.options();
  options.path = fs::path(place.path).filename().string();
  SqliteStore store(options);
  fs::current_path(before);
  REQUIRE(is_applied(Writer(1).send(store, {plus("a", 1)})));
  CHECK(store.namespaces().size() == 1);  // on a connection that is opened now
  CHECK_FALSE(fs::exists(options.path));
}

TEST_CASE("a path where no file can be made is refused with the path") {
  const Place place;
  SqliteStore::Options options = place.options();
  options.path = place.path + "/no/such/directory.db";
  CHECK(refusal(options).code() == Errc::store_unavailable);
  CHECK(contains(refusal(options).what(), options.path));
  options.path = place.directory.path().string();
  CHECK(refusal(options).code() == Errc::store_unavailable);
  CHECK(place.files() == 0);
}

TEST_CASE("a directory that may not be written is refused with the path") {
  if (::geteuid() == 0) {
    WARN("skipped: root may write anywhere");
    return;
  }
  const Place place;
  fs::permissions(place.directory.path(), fs::perms::owner_read | fs::perms::owner_exec);
  CHECK(refusal(place.options()).code() == Errc::store_unavailable);
  CHECK(contains(refusal(place.options()).what(), place.path));
  fs::permissions(place.directory.path(), fs::perms::owner_all);
  CHECK(place.files() == 0);
}

// ---- read only

TEST_CASE("reading what does not exist is refused, and nothing is made") {
  const Place place;
  const Error error = refusal(place.read_only());
  CHECK(error.code() == Errc::store_unavailable);
  CHECK(contains(error.what(), place.path));
  CHECK(contains(error.what(), "unable to open"));
  CHECK(place.files() == 0);
}

TEST_CASE("a store that is read only answers, also beside a writer, and writes nothing") {
  const Place place;
  SqliteStore writing(place.options());
  writing.adopt({});
  Writer writer(1);
  REQUIRE(is_applied(writer.send(writing, {plus("a", 3)})));
  SqliteStore store(place.read_only());
  CHECK(store.read(named("a")) == 3);
  CHECK(store.top("ns", all, 9) == std::vector<NamedCount>{{"a", 3}});
  CHECK(store.settings() == Settings{});
  REQUIRE(is_applied(writer.send(writing, {plus("a", 1)})));
  CHECK(store.read(named("a")) == 4);

  const ApplyResult result = Writer(2).send(store, {plus("a", 1)});
  CHECK(result.outcome == Outcome::not_applied);
  CHECK(contains(result.message, "read only"));
  CHECK(writing.read(named("a")) == 4);
}

TEST_CASE("a store that is read only compares settings, and tells of others' commits") {
  const Place place;
  SqliteStore writing(place.options());
  writing.adopt({});
  SqliteStore store(place.read_only());
  store.adopt({});
  CHECK_THROWS_AS(store.adopt({"+01:00", WeekStart::monday, Floor::zero}), Error);
  const std::uint64_t before = store.version();
  REQUIRE(is_applied(Writer(1).send(writing, {plus("a", 3)})));
  CHECK(store.version() != before);
}

// ---- the file goes away

TEST_CASE("a file that is deleted underneath is reported, not counted into and not made anew") {
  const Place place;
  SqliteStore store(place.options());
  Writer writer(1);
  REQUIRE(is_applied(writer.send(store, {plus("a", 1)})));
  fs::remove(place.path);
  ApplyResult result = writer.send(store, {plus("a", 1)});
  CHECK(result.outcome == Outcome::unknown);
  CHECK(result.error == Errc::store_failed);
  CHECK(contains(result.message, place.path));
  for (int i = 0; i < 3; ++i) {
    result = writer.send_again(store, {plus("a", 1)});
    CHECK(result.outcome == Outcome::not_applied);
    CHECK(contains(result.message, place.path));
  }
  CHECK_FALSE(fs::exists(place.path));
}

TEST_CASE("nothing is let go of in a file that was deleted underneath") {
  const Place place;
  SqliteStore store(place.options());
  Writer writer(1);
  REQUIRE(is_applied(writer.send(store, {plus("a", 1)})));
  fs::remove(place.path);
  const auto error = error_of([&] { (void)store.expire({PeriodType::day, 0}, 10); });
  REQUIRE(error);
  CHECK(error->code() == Errc::store_failed);
  CHECK(contains(error->what(), place.path));
  CHECK_FALSE(fs::exists(place.path));
}

TEST_CASE("a file that is moved away and back has every batch once") {
  const Place place;
  SqliteStore store(place.options());
  Writer writer(1);
  REQUIRE(is_applied(writer.send(store, {plus("a", 1)})));
  const std::uint64_t version = store.version();
  const std::string aside = place.path + ".aside";
  fs::rename(place.path, aside);
  CHECK(writer.send(store, {plus("a", 1)}).outcome == Outcome::unknown);
  fs::rename(aside, place.path);
  {
    SqliteStore other(place.options());
    REQUIRE(is_applied(Writer(2).send(other, {plus("a", 10)})));
  }
  CHECK(is_applied(writer.send_again(store, {plus("a", 1)})));
  CHECK(is_applied(writer.send(store, {plus("a", 1)})));
  CHECK(store.read(named("a")) == 13);
  CHECK(store.version() != version);  // the other's commit is not missed
}

TEST_CASE("a file that comes back while it is opened is written again") {
  // SQLite looks for it twice, for writing and then for reading; it was back for the second look only.
  const Place place;
  SqliteStore store(place.options());
  Writer writer(1);
  REQUIRE(is_applied(writer.send(store, {plus("a", 1)})));
  const std::string aside = place.path + ".aside";
  fs::rename(place.path, aside);
  CHECK(writer.send(store, {plus("a", 1)}).outcome == Outcome::unknown);
  fs::rename(aside, place.path);
  {
    const OnlyForReading open(place.path);
    CHECK(is_applied(writer.send_again(store, {plus("a", 1)})));  // it was, before the file went
    const ApplyResult result = writer.send(store, {plus("a", 1)});
    CHECK(result.outcome == Outcome::not_applied);
    CHECK(contains(result.message, "readonly"));
  }
  CHECK(is_applied(writer.send_again(store, {plus("a", 1)})));
  CHECK(store.read(named("a")) == 3);
}

TEST_CASE("a file that another takes the place of is reported, and then read") {
  const Place place;
  const Place old;
  {
    SqliteStore backup(old.options());
    REQUIRE(is_applied(Writer(2).send(backup, {plus("a", 100)})));
  }
  SqliteStore store(place.options());
  Writer writer(1);
  REQUIRE(is_applied(writer.send(store, {plus("a", 1)})));
  for (const char* const end : {"-wal", "-shm"}) fs::remove(place.path + end);
  fs::copy_file(old.path, place.path + ".new");
  fs::rename(place.path + ".new", place.path);
  CHECK(writer.send(store, {plus("a", 1)}).error == Errc::store_failed);
  CHECK(is_refused(writer.send_again(store, {plus("a", 1)}), Errc::store_rolled_back));
  CHECK(store.read(named("a")) == 100);
}
