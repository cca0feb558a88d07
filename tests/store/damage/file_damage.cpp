// SPDX-License-Identifier: BSL-1.0
// The files of a FileStore, cut at every byte and with every byte changed: what is sound is read, or the opening is
// refused with the file, the place and the reason; a wrong count is never told.
#include <livecount/store/file_store.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "store/file_place.hpp"
#include "store/writer.hpp"
#include "support/catch.hpp"

namespace {

using namespace livecount;
using namespace livecount::tests;

using Counts = std::map<std::string, Count>;

Counts counts_of(const FileStore& store) {
  Counts counts;
  for (const PeriodType type : {PeriodType::all, PeriodType::day}) {
    store.scan("ns", type, std::nullopt,
               [&](const KeyView& key, Count count) { counts[to_text(key).text] = count; });
  }
  return counts;
}

std::vector<Record> batch_of(int number) {
  static std::map<int, std::string> names;
  const std::string& name = names.emplace(number % 12, "name " + std::to_string(number % 12)).first->second;
  return {
      plus("batches", 1), {named(name, day), {number, no_floor}}, plus("full", number == 3 ? max_count : 1)};
}

/// The files of a store that has not been closed, and what they hold.
struct Files {
  std::string journal, snapshot;
  std::vector<std::size_t> ends;  // of the frames of the journal, its header first
  std::vector<Counts> counts;     // after each of them
};

Files make_files(bool compacted, int batches = 25, bool closed = false) {
  const FilePlace place;
  Files files;
  Writer writer(1);
  {
    FileStore store(place.options());
    store.adopt({});
    const auto send = [&](int number) {
      REQUIRE(writer.send(store, batch_of(number)).outcome == Outcome::applied);
    };
    if (compacted) {
      for (int number = 0; number < 20; ++number) send(number);
      (void)store.expire({PeriodType::hour, 0}, 1);  // the snapshot, too, has a horizon
      store.compact();
    }
    const auto note = [&] {
      files.ends.push_back(store.status().journal_bytes);
      files.counts.push_back(counts_of(store));
    };
    if (!compacted) {
      files.ends.push_back(detail::file_header_size);
      files.counts.emplace_back();
    }
    note();
    for (int number = 0; number < batches; ++number) {
      send(number);
      note();
      if (number != 15) continue;
      (void)store.expire(next_day, 1);
      note();
    }
    files.snapshot = bytes_of(place.snapshot);
    files.journal = bytes_of(place.path);
  }
  if (!closed) return files;
  files.journal = bytes_of(place.path);
  files.ends.push_back(files.journal.size());
  files.counts.push_back(files.counts.back());
  return files;
}

void put_files(const FilePlace& place, const std::string& journal, const std::string& snapshot) {
  for (const auto& entry : std::filesystem::directory_iterator(place.directory.path())) {
    std::filesystem::remove(entry.path());
  }
  write_bytes(place.path, journal);
  std::filesystem::permissions(place.path, std::filesystem::perms(0600));
  if (snapshot.empty()) return;
  write_bytes(place.snapshot, snapshot);
  std::filesystem::permissions(place.snapshot, std::filesystem::perms(0600));
}

/// That the store opens with the counts after `frame` frames, and has kept and reported what follows them.
void check_prefix(const FilePlace& place, const Files& files, std::size_t frame, const std::string& journal) {
  CHECK(counts_of(FileStore(place.read_only())) == files.counts[frame]);
  CHECK(bytes_of(place.path) == journal);  // reading changes nothing
  const std::string tail = journal.substr(files.ends[frame]);
  {
    FileStore store(place.options());
    REQUIRE(counts_of(store) == files.counts[frame]);
    CHECK(store.recovered().torn_bytes == tail.size());
    if (!tail.empty()) CHECK(bytes_of(store.recovered().torn_copy) == tail);
    REQUIRE(is_applied(Writer(2).send(store, {plus("later", 1)})));
  }
  const FileStore store(place.options());
  Counts expected = files.counts[frame];
  expected["ns:all:all:later"] = 1;
  CHECK(counts_of(store) == expected);
}

/// That it is refused, for writing and for reading, with the file, and nothing is changed.
void check_refused(const FilePlace& place, const std::string& path, const std::string& journal,
                   const std::string& snapshot, const std::vector<Errc>& codes) {
  for (const FileStore::Options& options : {place.options(), place.read_only()}) {
    const Error error = refusal(options);
    CAPTURE(error.what());
    CHECK(std::find(codes.begin(), codes.end(), error.code()) != codes.end());
    CHECK(mentions(error, path));
    if (error.code() == Errc::corrupt) CHECK(mentions(error, "offset"));
  }
  CHECK(bytes_of(place.path) == journal);
  CHECK(bytes_of(place.snapshot) == snapshot);
}

/// The byte with all its bits turned, and with one.
std::vector<std::string> with_byte_changed(const std::string& bytes, std::size_t at) {
  std::vector<std::string> changed(2, bytes);
  changed[0][at] = static_cast<char>(~bytes[at]);
  changed[1][at] = static_cast<char>(bytes[at] ^ (1 << at % 8));
  return changed;
}

const std::vector<Errc> bad_header = {Errc::corrupt, Errc::not_livecount, Errc::version_too_new};

}  // namespace

TEST_CASE("a journal that is cut anywhere gives the batches before the cut") {
  const bool compacted = GENERATE(false, true);
  const Files files = make_files(compacted);
  const FilePlace place;
  for (std::size_t size = 1; size < files.journal.size(); ++size) {
    CAPTURE(compacted, size);
    const std::string journal = files.journal.substr(0, size);
    put_files(place, journal, files.snapshot);
    if (size < detail::file_header_size) {
      check_refused(place, place.path, journal, files.snapshot, bad_header);
    } else {
      const auto after = std::upper_bound(files.ends.begin(), files.ends.end(), size);
      check_prefix(place, files, static_cast<std::size_t>(after - files.ends.begin()) - 1, journal);
    }
  }
}

TEST_CASE("a journal with any byte changed is refused; in its last frame it is a torn tail") {
  const bool closed = GENERATE(false, true);
  const Files files = make_files(false, 20, closed);
  const FilePlace place;
  const std::size_t last = files.ends[files.ends.size() - 2];
  for (std::size_t at = 0; at < files.journal.size(); ++at) {
    for (const std::string& journal : with_byte_changed(files.journal, at)) {
      CAPTURE(closed, at);
      put_files(place, journal, "");
      if (at < last) {
        check_refused(place, place.path, journal, "",
                      at < detail::file_header_size ? bad_header : std::vector{Errc::corrupt});
      } else {
        check_prefix(place, files, files.ends.size() - 2, journal);
      }
    }
  }
}

TEST_CASE("a snapshot that is cut, or has any byte changed, is refused") {
  const Files files = make_files(true, 2);
  const FilePlace place;
  const auto check = [&](const std::string& snapshot) {
    put_files(place, files.journal, snapshot);
    check_refused(place, place.snapshot, files.journal, snapshot, {Errc::corrupt, Errc::version_too_new});
  };
  for (std::size_t at = 0; at < files.snapshot.size(); ++at) {
    CAPTURE(at);
    if (at != 0) check(files.snapshot.substr(0, at));
    for (const std::string& snapshot : with_byte_changed(files.snapshot, at)) check(snapshot);
  }
  check(files.snapshot + '\0');
}

TEST_CASE("files that do not belong together are refused") {
  const Files files = make_files(true);
  const Files others = make_files(true);
  const Files not_compacted = make_files(false);
  const FilePlace place;
  const auto check = [&](const std::string& journal, const std::string& snapshot) {
    put_files(place, journal, snapshot);
    check_refused(place, place.path, journal, snapshot, {Errc::corrupt});
  };
  check(files.journal, others.snapshot);
  check(files.journal, "");                      // the snapshot is missing
  check("", files.snapshot);                     // the journal is empty
  check(not_compacted.journal, files.snapshot);  // of another store
  put_files(place, "", files.snapshot);
  std::filesystem::remove(place.path);
  CHECK(refusal(place.options()).code() == Errc::corrupt);
}

TEST_CASE("with OnDamage::salvage it goes on with what lies before the damage, and keeps what was there") {
  const bool in_snapshot = GENERATE(false, true);
  Files files = make_files(true);
  const std::size_t frame = 10;
  std::string& damaged = in_snapshot ? files.snapshot : files.journal;
  const std::size_t at = in_snapshot ? files.snapshot.size() / 2 : files.ends[frame] + 30;
  damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
  const FilePlace place;
  put_files(place, files.journal, files.snapshot);
  REQUIRE(refusal(place.options()).code() == Errc::corrupt);

  FileStore::Options reading = place.salvage();
  reading.read_only = true;
  const Counts expected = counts_of(FileStore(reading));
  CHECK(bytes_of(place.path) == files.journal);
  if (!in_snapshot) CHECK(expected == files.counts[frame]);
  if (in_snapshot) CHECK(expected.at("ns:all:all:batches") == 45);  // later frames say so

  {
    FileStore store(place.salvage());
    CHECK(counts_of(store) == expected);
    REQUIRE(store.recovered().damage.size() == 1);
    CHECK(store.recovered().damage[0].find(in_snapshot ? place.snapshot : place.path + " ") == 0);
    REQUIRE(store.recovered().copies.size() == 2);
    CHECK(bytes_of(store.recovered().copies[0]) == files.journal);
    CHECK(bytes_of(store.recovered().copies[1]) == files.snapshot);
    REQUIRE(is_applied(Writer(2).send(store, {plus("later", 1)})));
  }
  const FileStore store(place.options());  // it is sound again
  CHECK(store.read(named("later")) == 1);
  CHECK(store.read(named("batches")) == expected.at("ns:all:all:batches"));
}

TEST_CASE("bytes that somebody counts under are not taken for a frame") {
  // A frame of this very journal, as a name within the last frame, which is torn.
  const FilePlace place;
  Writer writer(1);
  {
    FileStore store(place.options());
    std::string frame;
    detail::begin_frame(frame);
    frame += "payload";
    (void)detail::seal_frame(frame, {0, 2, 0});  // a seed as good as any other guess
    REQUIRE(is_applied(writer.send(store, {plus("a", 1)})));
    REQUIRE(is_applied(writer.send(store, {plus(frame, 1)})));
    const std::string journal = bytes_of(place.path);
    std::filesystem::copy_file(place.path, place.path + "2");
    std::filesystem::resize_file(place.path + "2", journal.size() - 1);
  }
  FileStore::Options options = place.options();
  options.path += "2";
  const FileStore store(options);
  CHECK(store.read(named("a")) == 1);
  CHECK(store.recovered().torn_bytes != 0);
}
