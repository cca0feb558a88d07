// SPDX-License-Identifier: BSL-1.0
// Threads that increment, decrement and read a few counters beside evictions, batches, failures and refreshes; what
// they were answered must have an explanation. In windows: between two of them all threads have returned.
#include <livecount/livecount.hpp>

#include <atomic>
#include <cstdlib>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/history.hpp"
#include "support/jitter_sync.hpp"
#include "support/threads.hpp"
#include "support/unreliable_store.hpp"

namespace {

using namespace livecount;
using livecount::tests::LinearizabilityCheck;
using livecount::tests::Operation;
using livecount::tests::run_together;
using livecount::tests::threads;
using JitteryCache = BasicLockFreeCache<livecount::tests::JitterSync>;

/// Says now and then that other processes have changed it, so that counts are read anew.
class RefreshedStore : public livecount::tests::UnreliableStore {
 public:
  using UnreliableStore::UnreliableStore;
  [[nodiscard]] std::uint64_t version() { return asked_.fetch_add(1) / 3; }

 private:
  std::atomic<std::uint64_t> asked_{0};
};

constexpr std::size_t names = 2;
std::string name_of(std::size_t i) { return "name-" + std::to_string(i); }

/// LIVECOUNT_PERCENT: of the windows written here; LIVECOUNT_SEED: the first one.
std::uint64_t number(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// One operation by chance, recorded if it was carried out.
template <class C>
void operate(C& counter, Floor floor, std::atomic<std::uint64_t>& moment, std::mt19937_64& random,
             std::vector<std::vector<Operation>>& history) {
  const std::size_t name = random() % names;
  Operation operation;
  const std::uint64_t dice = random() % 16;
  const bool small = random() % 4 != 0;
  operation.delta = static_cast<Count>(random() % (small ? 3 : 9)) - (floor == Floor::zero ? 1 : 0);
  if (random() % 2 == 0) operation.delta = -operation.delta;
  operation.called = moment.fetch_add(1);
  try {
    if (dice < 6) {
      operation.type = Operation::Type::add;
      counter.increment(name_of(name), {.delta = operation.delta});
    } else if (dice < 9) {
      operation.type = Operation::Type::add_and_get;
      operation.answer = counter.increment_and_get(name_of(name), {.delta = operation.delta});
    } else if (dice < 14) {
      operation.answer = counter.get(name_of(name));
    } else if (dice == 14) {
      return void(counter.drop_clean());
    } else {
      return counter.flush();
    }
  } catch (const Error& error) {
    if (error.code() != Errc::store_unavailable) throw;
    return;  // nothing was changed
  }
  operation.returned = moment.fetch_add(1);
  history[name].push_back(operation);
}

template <class C>
void expect_linearizable(Floor floor) {
  typename C::Options options;
  options.cache.entries = 64;
  options.queue = {.max_delay = std::chrono::milliseconds(0), .first_retry = std::chrono::milliseconds(1)};
  options.store.fail_every = 13;
  options.floor = floor;
  options.refresh = std::chrono::milliseconds(0);
  options.block_timeout = std::chrono::seconds(60);
  options.when_full = Limit::flush;
  C counter(options);
  std::vector<std::optional<Count>> begin(names);
  const std::uint64_t first = number("LIVECOUNT_SEED", 0);
  const std::uint64_t windows = 200 * number("LIVECOUNT_PERCENT", 100) / 100;
  for (std::uint64_t window = first; window < first + windows; ++window) {
    std::atomic<std::uint64_t> moment{0};
    std::vector<std::vector<std::vector<Operation>>> of_thread(threads,
                                                               std::vector<std::vector<Operation>>(names));
    run_together([&](int thread, std::mt19937_64& random) {
      random.seed(window * 64 + static_cast<std::uint64_t>(thread));
      for (int i = 0; i < 8; ++i)
        operate(counter, floor, moment, random, of_thread[static_cast<std::size_t>(thread)]);
    });
    for (std::size_t name = 0; name < names; ++name) {
      std::vector<Operation> history;
      for (const auto& part : of_thread) history.insert(history.end(), part[name].begin(), part[name].end());
      Operation last;
      last.called = moment.fetch_add(1);
      for (bool read = false; !read;) {
        try {
          last.answer = counter.get(name_of(name));
          read = true;
        } catch (const Error& error) {
          if (error.code() != Errc::store_unavailable) throw;
        }
      }
      last.returned = moment.fetch_add(1);
      history.push_back(last);
      if (LinearizabilityCheck(history, floor).passes(begin[name])) {
        begin[name] = last.answer;
        continue;
      }
      std::string text = "window (seed) " + std::to_string(window) + ", " + name_of(name) +
                         ", before: " + (begin[name] ? std::to_string(*begin[name]) : "none");
      for (const Operation& operation : history) text += "\n  " + to_string(operation);
      FAIL(text);
    }
  }
  SUCCEED();
}

Operation get(std::uint64_t called, std::uint64_t returned, std::optional<Count> answer) {
  return {Operation::Type::get, 0, answer, called, returned};
}
Operation add(std::uint64_t called, std::uint64_t returned, Count delta) {
  return {Operation::Type::add, delta, std::nullopt, called, returned};
}
Operation add_and_get(std::uint64_t called, std::uint64_t returned, Count delta, Count answer) {
  return {Operation::Type::add_and_get, delta, answer, called, returned};
}
bool linearizable(std::vector<Operation> history, std::optional<Count> begin = std::nullopt) {
  return LinearizabilityCheck(std::move(history), Floor::zero).passes(begin);
}

}  // namespace

TEST_CASE("the checker of histories accepts what has an explanation, and nothing else") {
  CHECK(linearizable({}));
  CHECK(linearizable({add(0, 5, 1), get(1, 2, std::nullopt), get(3, 4, 1)}));
  CHECK_FALSE(linearizable({add(0, 5, 1), get(1, 2, 1), get(3, 4, std::nullopt)}));  // goes back
  CHECK_FALSE(linearizable({add(0, 1, 1), get(2, 3, 0)}, 0));                        // lost
  CHECK_FALSE(linearizable({add(0, 1, 1), get(2, 3, 2)}, 0));                        // counted twice
  CHECK(linearizable({add(0, 1, 0), get(2, 3, 0)}));                                 // exists from then on
  CHECK(
      linearizable({add(0, 3, 1), add_and_get(1, 2, -3, 0), get(4, 5, 1)}, 1));  // floored, then incremented
  CHECK(linearizable({add(0, 3, 1), add_and_get(1, 2, -3, 0), get(4, 5, 0)}, 1));  // the other way round
  CHECK_FALSE(linearizable({add(0, 1, 1), add_and_get(2, 3, -3, 0), get(4, 5, 1)}, 1));
  CHECK_FALSE(linearizable({add_and_get(0, 3, 1, 1), add_and_get(1, 2, 1, 1)}, 0));  // each number once
}

TEMPLATE_TEST_CASE("what threads are answered about floored counters is linearizable", "", LockFreeCache,
                   JitteryCache, LruCache, NullCache) {
  expect_linearizable<Counter<TestType, RefreshedStore, JthreadQueue>>(Floor::zero);
}

TEMPLATE_TEST_CASE("what threads are answered about signed counters is linearizable", "", LockFreeCache,
                   JitteryCache, LruCache, NullCache) {
  expect_linearizable<Counter<TestType, RefreshedStore, JthreadQueue>>(Floor::none);
}
