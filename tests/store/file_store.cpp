// SPDX-License-Identifier: BSL-1.0
#include <livecount/store/file_store.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#define LIVECOUNT_TESTED_STORE livecount::FileStore
#include "store/contract.hpp"
#include "store/file_place.hpp"
#include "store/questions.hpp"

// ---- the data outlives the store

TEST_CASE("what was applied is there when the journal is opened again, and is applied once all the same") {
  const FilePlace place;
  const FileSync sync = GENERATE(FileSync::every_batch, FileSync::interval, FileSync::never);
  const bool compacted = GENERATE(false, true);
  FileStore::Options options = place.options();
  options.sync = sync;
  Writer writer(1);
  const std::vector<Record> last = {plus("a", 3), plus("high", 1), plus("b", 0)};
  {
    FileStore store(options);
    REQUIRE(is_applied(writer.send(store, {plus("high", max_count), plus("a", 1)})));
    REQUIRE(writer.send(store, last).quarantined == std::vector<std::size_t>{1});
    if (compacted) store.compact();
  }
  FileStore store(options);
  CHECK(store.recovered().closed);
  CHECK(store.recovered().batches == (compacted ? 0U : 2U));
  CHECK(store.recovered().counters == (compacted ? 3U : 0U));
  CHECK(store.read(named("a")) == 4);
  CHECK(store.read(named("b")) == 0);
  CHECK(writer.send_again(store, last).quarantined == std::vector<std::size_t>{1});
  CHECK(store.read(named("a")) == 4);
  CHECK(is_refused(writer.send_again(store, {plus("a", 4)}), Errc::writer_duplicated));
  CHECK(is_refused(writer.send_as(store, 4, {plus("a", 1)}), Errc::store_rolled_back));
  CHECK(is_applied(writer.send(store, {plus("a", 1)})));
  CHECK(store.read(named("a")) == 5);
  const std::vector<std::pair<Key, Transform>> expected = {{{"ns", all, "high"}, {1, no_floor}}};
  CHECK(store.quarantined() == expected);
}

TEST_CASE("a store that is opened and closed without a change leaves the journal as it is") {
  const FilePlace place;
  { FileStore store(place.options()); }
  const std::string once = bytes_of(place.path);
  { FileStore store(place.options()); }
  CHECK(bytes_of(place.path) == once);
  CHECK(place.files() == 2);  // and its lock
}

TEST_CASE("settings are kept with the journal, and others are refused with both values in the message") {
  const FilePlace place;
  const Settings settings{"CST6CDT,M3.2.0/2,M11.1.0/2", WeekStart::sunday, Floor::none};
  {
    FileStore store(place.options());
    CHECK(store.settings() == std::nullopt);
    store.adopt(settings);
    CHECK(store.settings() == settings);
  }
  {
    FileStore store(place.options());
    CHECK(store.settings() == settings);
    store.compact();
  }
  FileStore store(place.options());
  CHECK(store.settings() == settings);
  store.adopt(settings);
  try {
    store.adopt({"UTC", settings.week_start, settings.floor});
    FAIL("adopted");
  } catch (const Error& error) {
    CHECK(error.code() == Errc::settings_mismatch);
    CHECK(error.where() == place.path);
    CHECK(mentions(error, settings.calendar));
    CHECK(mentions(error, "UTC"));
  }
}

// ---- one process

TEST_CASE("a second store on the same journal is refused and told who has it, and readers are not") {
  const FilePlace place;
  Writer writer(1);
  {
    FileStore store(place.options());
    REQUIRE(is_applied(writer.send(store, {plus("a", 3)})));
    const Error error = refusal(place.options());
    CHECK(error.code() == Errc::locked);
    CHECK(mentions(error, place.path));
    CHECK(mentions(error, "process " + std::to_string(::getpid())));
    std::filesystem::remove(place.path + ".lock");  // it must not help
    CHECK(refusal(place.options()).code() == Errc::locked);

    FileStore reader(place.read_only());
    CHECK(reader.read(named("a")) == 3);
    CHECK(is_refused(writer.send_as(reader, 2, {plus("a", 1)}), Errc::store_failed));
    REQUIRE(is_applied(writer.send(store, {plus("a", 3)})));
    CHECK(reader.read(named("a")) == 3);  // as it was when it was opened
    CHECK(FileStore(place.read_only()).read(named("a")) == 6);
  }
  CHECK(refusal(place.options()).code() == Errc::ok);
}

// ---- others who read the files

namespace {

/// What read_file_store.py should print.
std::string lines_of(const FileStore& store) {
  const auto hex = [](std::string_view bytes) {
    std::string text;
    for (const char byte : bytes) {
      text += "0123456789abcdef"[static_cast<unsigned char>(byte) / 16];
      text += "0123456789abcdef"[static_cast<unsigned char>(byte) % 16];
    }
    return text;
  };
  std::string lines;
  for (const std::string& ns : store.namespaces()) {
    for (const PeriodType type : Periods::every()) {
      for (const auto& [key, count] : rows(store, ns, type)) {
        lines += hex(ns) + " " + std::to_string(static_cast<int>(type)) + " " +
                 std::to_string(key.bucket.start) + " " + hex(key.name) + " " + std::to_string(count) + "\n";
      }
    }
  }
  return lines;
}

const std::filesystem::path here = std::filesystem::path(LIVECOUNT_TESTS_DIR) / "store";

}  // namespace

TEST_CASE("a reader in another language, written from FORMAT.md, finds what the store tells") {
  const std::string python = "/usr/bin/python3";
  if (std::system((python + " -c 'import xxhash' 2>/dev/null").c_str()) != 0) {
    WARN("skipped: needs python3 and its module xxhash (Debian: python3-minimal python3-xxhash)");
    return;
  }
  const FilePlace place;
  std::mt19937_64 random(1);
  const std::vector<Key> keys = some_keys();
  FileStore store(place.options());
  Writer writer(1);
  const auto send = [&](int batches) {
    for (int i = 0; i < batches; ++i) {
      REQUIRE(writer.send(store, draw_records(random, keys)).outcome == Outcome::applied);
    }
  };
  const auto check = [&] {
    const std::string output = place.path + ".txt";
    REQUIRE(
        std::system((python + " " + (here / "read_file_store.py").string() + " " + place.path + " >" + output)
                        .c_str()) == 0);
    CHECK(bytes_of(output) == lines_of(store));
  };
  send(300);
  REQUIRE_FALSE(store.quarantined().empty());
  check();
  store.compact();
  check();
  send(100);
  check();
  const auto goes = std::find_if(keys.begin(), keys.end(),
                                 [](const Key& key) { return key.bucket.type < PeriodType::all; });
  REQUIRE(goes != keys.end());
  REQUIRE(store.read(*goes));
  (void)store.expire({goes->bucket.type, goes->bucket.start + 1}, 1);
  REQUIRE_FALSE(store.read(*goes));
  send(100);
  check();
  store.compact();
  check();
}

TEST_CASE("the example in FORMAT.md is a journal") {
  std::ifstream page(here / "../../include/livecount/store/FORMAT.md");
  std::string bytes;
  for (std::string line; std::getline(page, line);) {
    if (line.find(": ") != 12 || line.compare(0, 5, "    0") != 0) continue;
    for (std::size_t at = 14; at + 1 < line.size() && line[at] != ' '; at += line[at + 2] == ' ' ? 3U : 2U) {
      bytes += static_cast<char>(std::stoi(line.substr(at, 2), nullptr, 16));
    }
  }
  const FilePlace place;
  write_bytes(place.path, bytes);
  const FileStore store(place.read_only());
  CHECK(store.recovered().closed);
  CHECK(store.settings() == Settings{});
  const std::vector<NamedCount> expected = {{"blue", 2}, {"red", 1}};
  CHECK(store.top("votes", day, 10) == expected);
}
