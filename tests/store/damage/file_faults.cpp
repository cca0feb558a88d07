// SPDX-License-Identifier: BSL-1.0
// A FileStore whose file system fails, or loses power, at each of its calls: nothing that was acknowledged is lost,
// nothing is counted twice, no batch is there in part, and the files can be opened.
#include <livecount/store/file_store.hpp>
#include <livecount/testing/memory_file_system.hpp>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "store/writer.hpp"
#include "support/catch.hpp"

namespace {

using namespace livecount;
using namespace livecount::tests;
using livecount::testing::MemoryDisk;
using livecount::testing::MemoryFileSystem;

using Store = BasicFileStore<MemoryFileSystem>;
using Kept = MemoryDisk::Kept;

constexpr std::uint64_t batches = 14;
const Settings settings{"CET-1CEST,M3.5.0,M10.5.0/3", WeekStart::sunday, Floor::none};

/// What the n-th batch does: to a counter that all batches change, to new ones, to old ones, to one that is full.
std::vector<Record> batch_of(std::uint64_t number) {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> made;
    for (std::uint64_t i = 0; i <= batches; ++i) made.push_back("a name of some length " + std::to_string(i));
    return made;
  }();
  const Count count = static_cast<Count>(number);
  std::vector<Record> records = {plus("batches", 1),
                                 plus(names[number], count),
                                 plus(names[number / 2], 100),
                                 {named(names[number / 3], day), {-count, no_floor}}};
  if (number == 1) records.push_back(plus("full", max_count));
  if (number % 3 == 0) records.push_back(plus("full", 1));
  return records;
}

using Counts = std::map<std::string, Count>;

Counts counts_of(const Store& store) {
  Counts counts;
  for (const PeriodType type : {PeriodType::all, PeriodType::day}) {
    store.scan("ns", type, std::nullopt,
               [&](const KeyView& key, Count count) { counts[to_text(key).text] = count; });
  }
  return counts;
}

/// The counts after each number of batches.
const std::vector<Counts>& expected() {
  static const std::vector<Counts> all_counts = [] {
    std::vector<Counts> states(1);
    for (std::uint64_t number = 1; number <= batches; ++number) {
      Counts counts = states.back();
      for (const auto& [key, change] : batch_of(number)) {
        const Count after = counts[to_text(key).text] + change.sum;
        if (in_range(after)) counts[to_text(key).text] = after;
      }
      states.push_back(counts);
    }
    return states;
  }();
  return all_counts;
}

struct Program {
  explicit Program(std::shared_ptr<MemoryDisk> on) : disk(std::move(on)) {}

  [[nodiscard]] Store::Options options() const {
    Store::Options options;
    options.path = "/counts.journal";
    options.compact_bytes = never_compact;
    options.file_system = MemoryFileSystem(disk);
    return options;
  }

  /// Sends the next batch, once or more often. False if the power went.
  bool send(Store& store) {
    attempted = writer.sequence + 1;
    while (!disk->power_is_cut()) {
      const ApplyResult result = writer.send_as(store, attempted, batch_of(attempted));
      if (result.outcome == Outcome::applied) {
        writer.sequence = acknowledged = attempted;
        return true;
      }
    }
    return false;
  }
  bool send_until(Store& store, std::uint64_t number) {
    while (acknowledged < number) {
      if (!send(store)) return false;
    }
    return true;
  }

  /// Batches beside it: two while the snapshot is written, and two while the journal is copied.
  void compact(Store& store) {
    disk->before_call = [&](const std::string& call) {
      const bool snapshot = call == "write /counts.journal.snapshot.new";
      if (!snapshot && call != "make /counts.journal.new") return;
      const auto hook = std::exchange(disk->before_call, nullptr);
      if (acknowledged + 2 <= batches) send_until(store, acknowledged + 1);
      disk->before_call = hook;
    };
    try {
      store.compact();
    } catch (const Error& error) {
      failures.emplace_back(error.what());
    }
    disk->before_call = nullptr;
  }

  /// All that a store does, until the power goes.
  void run() {
    while (!disk->power_is_cut()) {
      try {
        Store store(options());
        if (!store.settings()) store.adopt(settings);
        run(store);
        return;
      } catch (const Error& error) {
        failures.emplace_back(error.what());
      }
    }
  }
  void run(Store& store) {
    if (!send_until(store, 3)) return;
    compact(store);
    if (!send_until(store, 8)) return;
    compact(store);
    if (!send_until(store, 11)) return;
    compact(store);
    send_until(store, batches);
  }

  /// Opens what is there and compares. The rest of the batches follow; then it is opened once more.
  void check_and_finish() {
    {
      Store store(options());
      const Counts found = counts_of(store);
      const std::uint64_t number = found.count("ns:all:all:batches") == 0
                                       ? 0
                                       : static_cast<std::uint64_t>(found.at("ns:all:all:batches"));
      REQUIRE(acknowledged <= number);
      REQUIRE(number <= attempted);
      REQUIRE(found == expected()[number]);
      REQUIRE(store.quarantined().size() == number / 3);
      REQUIRE(store.recovered().damage.empty());
      if (number != 0) REQUIRE(store.settings() == settings);
      if (!store.settings()) store.adopt(settings);
      REQUIRE(send_until(store, batches));
      REQUIRE(counts_of(store) == expected()[batches]);
    }
    Store store(options());
    REQUIRE(counts_of(store) == expected()[batches]);
    REQUIRE(store.recovered().closed);
    REQUIRE(store.quarantined().size() == batches / 3);
  }

  std::shared_ptr<MemoryDisk> disk;
  Writer writer{1};
  std::uint64_t attempted = 0;
  std::uint64_t acknowledged = 0;
  std::vector<std::string> failures;
};

std::uint64_t calls_of_a_run() {
  Program program(std::make_shared<MemoryDisk>());
  program.run();
  REQUIRE(program.failures.empty());
  return program.disk->calls;
}

}  // namespace

TEST_CASE("a power cut at any call costs nothing that was acknowledged, and leaves files that open") {
  const std::uint64_t calls = calls_of_a_run();
  REQUIRE(calls > 60);
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    for (std::uint64_t at = 1; at <= calls; ++at) {
      CAPTURE(seed, at);
      std::mt19937_64 random(seed * 1000 + at);
      Program program(std::make_shared<MemoryDisk>());
      program.disk->power_cut_at = at;
      program.run();
      const Kept kept = seed == 0 ? Kept::nothing : seed == 1 ? Kept::everything : Kept::random;
      program.disk = program.disk->after_power_cut(kept, random);
      if (seed % 3 == 2) {  // the power goes again while the files are opened
        program.disk->power_cut_at = 1 + random() % 8;
        try {
          const Store store(program.options());
        } catch (const Error& error) {
          REQUIRE(error.code() == Errc::store_unavailable);
        }
        program.disk = program.disk->after_power_cut(kept, random);
      }
      program.check_and_finish();
    }
  }
}

TEST_CASE("an error at any call, once or for a while, is got over, and nothing is lost or counted twice") {
  const std::uint64_t calls = calls_of_a_run();
  for (const std::uint64_t length : {1U, 2U, 5U, 12U}) {
    for (std::uint64_t at = 1; at <= calls; ++at) {
      CAPTURE(length, at);
      std::mt19937_64 random(length * 1000 + at);
      Program program(std::make_shared<MemoryDisk>());
      program.disk->fail_from = at;
      program.disk->fail_until = at + length;
      program.run();
      REQUIRE(program.acknowledged == batches);
      program.disk = program.disk->after_power_cut(Kept::nothing, random);
      program.check_and_finish();
    }
  }
}

TEST_CASE("a power cut after an error costs nothing that was acknowledged") {
  const std::uint64_t calls = calls_of_a_run();
  std::mt19937_64 random(20'110'615);
  for (int i = 0; i < 4'000; ++i) {
    Program program(std::make_shared<MemoryDisk>());
    program.disk->fail_from = 1 + random() % calls;
    program.disk->fail_until = program.disk->fail_from + 1 + random() % 3;
    program.disk->power_cut_at = program.disk->fail_from + 1 + random() % 20;
    CAPTURE(i, program.disk->fail_from, program.disk->fail_until, program.disk->power_cut_at);
    program.run();
    program.disk = program.disk->after_power_cut(Kept::random, random);
    program.check_and_finish();
  }
}

TEST_CASE(
    "what a process writes that is killed while it closes does not become damage in a later power cut") {
  // Seldom is all of the batch kept, and not what is before it.
  for (std::uint64_t seed = 0; seed < 1'000; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    Program program(std::make_shared<MemoryDisk>());
    {
      Store store(program.options());
      store.adopt(settings);
      REQUIRE(program.send_until(store, 2));
      program.disk->power_cut_at = program.disk->calls + 2;  // the sync of the last frame
    }
    program.disk = program.disk->after_kill();
    {
      Store store(program.options());
      program.disk->power_cut_at = program.disk->calls + 2;  // the sync of a batch
      CHECK(!program.send(store));
    }
    program.disk = program.disk->after_power_cut(Kept::random, random);
    program.check_and_finish();
  }
}
