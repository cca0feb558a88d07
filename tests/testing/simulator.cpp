// SPDX-License-Identifier: BSL-1.0
#include <livecount/testing/simulator.hpp>

#include <livecount/cache/lock_free_cache.hpp>
#include <livecount/queue/manual_queue.hpp>
#include <livecount/store/memory_store.hpp>

#include <mutex>
#include <string>

#include "support/catch.hpp"

using namespace livecount;
using namespace livecount::testing;

namespace {

using Cache = BasicLockFreeCache<SimulatorSync>;

/// What a store says of itself, and which of it is not true.
enum class Lie { none, knows_what_it_has, keeps_batches_whole };

template <Lie lie>
class LyingStore {
 public:
  struct Options {};
  using guarantee = exactly_once;

  explicit LyingStore(Options) {}
  [[nodiscard]] std::optional<Count> read(const KeyView& key) const {
    return StoreModel::count_in(state_, owned(key));
  }
  [[nodiscard]] ApplyResult apply(const Batch& batch) {
    if (lie != Lie::knows_what_it_has && StoreModel::sequence_in(state_, batch) >= batch.sequence)
      return Outcome::applied;
    Batch part = batch;
    if (lie == Lie::keeps_batches_whole && part.records.size() > 1)
      part.records = part.records.first(part.records.size() - 1);
    (void)StoreModel::apply(part, state_);
    return Outcome::applied;
  }

 private:
  StoreModel::State state_;
};

template <Lie lie>
SimulationReport run(SimulationOptions options = {.seeds = 500}) {
  return simulate<Cache, ServerPlace<LyingStore<lie>>, ManualQueue>(options);
}

}  // namespace

TEST_CASE("a store that keeps its promises breaks no law") {
  const SimulationReport report = run<Lie::none>();
  INFO(report.text());
  CHECK(!report.failed);
  CHECK(report.seeds == 500);
}

TEST_CASE("a store that applies a batch twice is found, by a story of a few steps") {
  const SimulationReport report = run<Lie::knows_what_it_has>();
  INFO(report.text());
  REQUIRE(report.failed);
  CHECK(report.law.find("no double count") != std::string::npos);
  CHECK(report.steps.size() < report.drawn_steps);
  CHECK(report.steps.size() <= 6);
}

TEST_CASE("a store that keeps a part of a batch is found") {
  const SimulationReport report = run<Lie::keeps_batches_whole>();
  REQUIRE(report.failed);
  CHECK(report.law.find("no loss") != std::string::npos);
}

TEST_CASE("a seed that failed fails alone, and its story is the same") {
  const SimulationReport found = run<Lie::knows_what_it_has>();
  REQUIRE(found.failed);
  const SimulationReport again = run<Lie::knows_what_it_has>({.seeds = 1, .first_seed = found.seed});
  REQUIRE(again.failed);
  CHECK(again.law == found.law);
  CHECK(again.steps == found.steps);
}

TEST_CASE("the same seeds are the same executions") {
  using Disk = DiskPlace<>;
  const SimulationReport one = simulate<Cache, Disk, ManualQueue>({.seeds = 200});
  const SimulationReport two = simulate<Cache, Disk, ManualQueue>({.seeds = 200});
  CHECK(!one.failed);
  CHECK(one.happenings == two.happenings);
  const SimulationReport others = simulate<Cache, Disk, ManualQueue>({.seeds = 200, .first_seed = 201});
  CHECK(one.happenings != others.happenings);
}

TEST_CASE("a thread that is left in the middle goes on later, and others come in between") {
  SimulatedThreads threads(1);
  SimulatedAtomic<int> count{0};
  const auto add = [&] { count.store(count.load() + 1); };
  const std::size_t left = threads.start(add, 2);
  CHECK(threads.is_busy(left));
  CHECK(!threads.is_busy(threads.start(add)));
  CHECK(count.load() == 1);
  REQUIRE(threads.settle());
  CHECK(count.load() == 1);  // the update in between was lost
}

TEST_CASE("simulated time passes when it is told to, and by itself only where all wait") {
  SimulatedThreads threads(1);
  const auto begin = threads.now();
  SimulatedMutex mutex;
  SimulatedConditionVariable changed;
  bool timed_out = false;
  (void)threads.start([&] {
    std::unique_lock lock(mutex);
    timed_out = !changed.wait_until(lock, threads.now() + std::chrono::hours(2), [] { return false; });
  });
  threads.pass(std::chrono::hours(1));
  CHECK(!timed_out);
  CHECK(threads.now() - begin == std::chrono::hours(1));
  REQUIRE(threads.settle());
  CHECK(timed_out);
  CHECK(threads.now() - begin == std::chrono::hours(2));
}

TEST_CASE("who waits for what nobody does is told of") {
  SimulatedThreads threads(1);
  SimulatedMutex mutex;
  mutex.lock();
  (void)threads.start([&] { mutex.lock(); });
  CHECK(!threads.settle());
  threads.abandon();
  CHECK(threads.settle());
}

TEST_CASE("an unclear answer leaves two states, and a look at the store one of them") {
  const Record record{{"ns", {PeriodType::all, 0}, "a"}, {3, no_floor}};
  const Batch batch{{}, 0, 1, {&record, 1}};
  StoreModel model;
  CHECK(model.take(batch, {Outcome::unknown, Errc::store_unavailable, ""}));
  CHECK(model.states().size() == 2);
  CHECK(model.expected(record.key) == "3 or no counter");
  CHECK(!model.see(record.key, 6));
  CHECK(model.see(record.key, 3));
  CHECK(model.states().size() == 1);
  CHECK(!model.take(batch, {Outcome::not_applied, Errc::store_unavailable, ""}));
  CHECK(model.take(batch, Outcome::applied));
  CHECK(model.expected(record.key) == "3");
}

TEST_CASE("a letting go in doubt leaves two states, and a look at the store's horizons one of them") {
  const Record record{{"ns", {PeriodType::day, 0}, "a"}, {3, no_floor}};
  const Bucket next{PeriodType::day, 86'400};
  StoreModel model;
  CHECK(model.take({{}, 0, 1, {&record, 1}}, Outcome::applied));
  model.expire(next, false);
  CHECK(model.expected(record.key) == "3 or no counter");
  Horizons horizons;
  horizons.raise(next);
  CHECK(model.see(horizons));
  CHECK(model.expected(record.key) == "no counter");
  CHECK(!model.see(Horizons()));
}

TEST_CASE(
    "a disk in memory keeps what a process wrote when it is killed, and what was synced when the power "
    "goes") {
  const auto disk = std::make_shared<MemoryDisk>();
  const MemoryFileSystem files(disk);
  {
    auto file = files.open("/f", detail::FileAccess::make);
    file.write(0, "synced");
    file.sync();
    files.sync_folder_of("/f");
    file.write(6, " and not");
    CHECK(file.try_lock());
    const MemoryFileSystem after_kill(disk->after_kill());
    auto found = after_kill.open("/f", detail::FileAccess::read);
    CHECK(found.size() == 14);
    CHECK(found.try_lock());
  }
  std::mt19937_64 random(1);
  const MemoryFileSystem after(disk->after_kill()->after_power_cut(MemoryDisk::Kept::nothing, random));
  CHECK(after.open("/f", detail::FileAccess::read).size() == 6);
}

TEST_CASE("a full disk in memory takes what fits and says so") {
  const auto disk = std::make_shared<MemoryDisk>();
  disk->room = 4;
  auto file = MemoryFileSystem(disk).open("/f", detail::FileAccess::make);
  CHECK_THROWS_AS(file.write(0, "123456"), Error);
  CHECK(file.size() == 4);
  disk->room.reset();
  file.write(4, "56");
  CHECK(file.size() == 6);
}
