// SPDX-License-Identifier: BSL-1.0
// Processes that are killed in the middle, over one store whose old buckets go: what is kept is right, and what has gone
// does not come back.
#include <livecount/livecount.hpp>
#include <livecount/sqlite.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <concepts>
#include <csignal>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/catch.hpp"
#include "support/policies.hpp"

namespace {

using namespace livecount;
using namespace livecount::tests;
using namespace std::chrono_literals;
using enum PeriodType;

constexpr std::chrono::seconds begin =
    std::chrono::sys_days(std::chrono::March / 10 / 2026).time_since_epoch();
constexpr std::chrono::seconds kept = 30s;
constexpr std::size_t most_seconds = 80;
constexpr std::size_t most_writers = 3;

/// What the processes tell, in memory that they share, so that it outlives a kill.
struct Told {
  std::atomic<std::size_t> now;  // in seconds since `begin`
  std::array<std::array<std::atomic<Count>, most_seconds>, most_writers> attempted, acknowledged;
};

class SharedTold {
 public:
  SharedTold()
      : told_(static_cast<Told*>(
            ::mmap(nullptr, sizeof(Told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    if (told_ == MAP_FAILED) throw std::runtime_error("no memory to share");
  }
  ~SharedTold() { ::munmap(told_, sizeof(Told)); }
  SharedTold(const SharedTold&) = delete;
  SharedTold& operator=(const SharedTold&) = delete;
  Told* operator->() const noexcept { return told_; }
  Told& operator*() const noexcept { return *told_; }

 private:
  Told* told_;
};

/// The clock of all of them.
struct ToldClock {
  const Told* told = nullptr;
  [[nodiscard]] Time now() const noexcept { return at(told->now); }
  [[nodiscard]] static Time at(std::size_t second) noexcept {
    return std::chrono::sys_seconds(begin + std::chrono::seconds(second));
  }
};

template <class Store>
using Expiring = Counter<LockFreeCache, Store, JthreadQueue, ToldClock>;

template <class Store>
typename Expiring<Store>::Options options_of(const StorePlace<Store>& place, const Told& told) {
  typename Expiring<Store>::Options options;
  options.cache.entries = 64;
  options.store = place.options();
  if constexpr (std::same_as<Store, FileStore>) options.store.compact_bytes = 2'000;  // often
  options.queue.max_delay = 2ms;
  options.retention = {{second, kept}};
  options.clock.told = &told;
  return options;
}

std::string name_of(std::size_t writer, std::size_t second) {
  return std::to_string(writer) + "/" + std::to_string(second);
}

/// Counts into this second and into older ones, until it is killed.
template <class Store>
[[noreturn]] void count(const StorePlace<Store>& place, Told& told, std::size_t writer, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Expiring<Store> hits(options_of(place, told));
  std::array<Count, most_seconds> accepted{};
  for (;;) {
    for (int i = 0; i < 20; ++i) {
      const std::size_t age = random() % 3 == 0 ? random() % 40 : 0;
      const std::size_t at = told.now - std::min(age, told.now.load());
      ++told.attempted[writer][at];
      const Update update{.periods = second | day, .at = ToldClock::at(at)};
      if (hits.try_increment(name_of(writer, at), update) == Errc::ok) ++accepted[at];
    }
    if (random() % 4 != 0) continue;
    try {
      hits.flush();
      (void)hits.get(name_of(writer, 0), {.period = second, .at = ToldClock::at(0)});
    } catch (const Error&) {
      ::_exit(3);
    }
    for (std::size_t at = 0; at < most_seconds; ++at)
      told.acknowledged[writer][at] += std::exchange(accepted[at], 0);
  }
}

class Child {
 public:
  template <class F>
  explicit Child(F f) : id_(::fork()) {
    if (id_ < 0) throw std::runtime_error("no fork");
    if (id_ == 0) f();
  }
  ~Child() { (void)kill(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  /// Whether it has lived until now.
  bool kill() {
    if (id_ < 0) return true;
    ::kill(id_, SIGKILL);
    int status = 0;
    ::waitpid(std::exchange(id_, -1), &status, 0);
    return WIFSIGNALED(status);
  }

 private:
  pid_t id_;
};

/// Lets old buckets go; true if more have to.
template <class C>
bool jumps(C& counter) {
  try {
    counter.retain();
    return false;
  } catch (const Error& error) {
    REQUIRE(error.code() == Errc::clock_jump);
    return true;
  }
}

TEMPLATE_TEST_CASE("processes that are killed while buckets go lose nothing, and let no bucket come back", "",
                   FileStore, SqliteStore) {
  const StorePlace<TestType> place;
  const SharedTold told;
  const std::size_t writers = place.shared ? most_writers : 1;
  std::mt19937_64 random(1);
  std::array<std::unique_ptr<Child>, most_writers> children;
  int killed = 0;
  for (; told->now + 1 < most_seconds; ++told->now) {
    for (std::size_t writer = 0; writer < writers; ++writer) {
      if (children[writer] && random() % 4 != 0) continue;
      if (children[writer]) {
        REQUIRE(children[writer]->kill());
        ++killed;
      }
      children[writer] = std::make_unique<Child>([&, seed = random()] { count(place, *told, writer, seed); });
    }
    std::this_thread::sleep_for(60ms);
  }
  for (auto& child : children) REQUIRE((!child || child->kill()));
  CHECK(killed > 10);

  Expiring<TestType> hits(options_of(place, *told));
  const auto count_in = [&](std::size_t writer, std::size_t at) {
    const Bucket bucket = hits.calendar().bucket(second, ToldClock::at(at));
    return hits.store().read({default_namespace, bucket, name_of(writer, at)});
  };
  const std::int64_t horizon = hits.store().horizons()[second];
  CHECK(horizon > begin.count());
  for (std::size_t writer = 0; writer < writers; ++writer) {
    for (std::size_t at = 0; begin.count() + static_cast<std::int64_t>(at) < horizon; ++at)
      CHECK(count_in(writer, at) == std::nullopt);
  }
  while (jumps(hits)) {
  }
  CHECK(hits.horizons()[second] == (begin - kept).count() + static_cast<std::int64_t>(told->now));
  std::size_t checked = 0;
  for (std::size_t writer = 0; writer < writers; ++writer) {
    for (std::size_t at = 0; at <= told->now; ++at) {
      INFO(name_of(writer, at));
      const std::optional<Count> found = count_in(writer, at);
      if (begin.count() + static_cast<std::int64_t>(at) < hits.horizons()[second]) {
        CHECK(found == std::nullopt);
      } else {
        CHECK(found.value_or(0) >= told->acknowledged[writer][at]);
        CHECK(found.value_or(0) <= told->attempted[writer][at]);
        if (found) ++checked;
      }
    }
  }
  CHECK(checked > 10);
  if constexpr (std::same_as<TestType, SqliteStore>) CHECK(hits.store().verify().empty());
}

}  // namespace
