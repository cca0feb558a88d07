// SPDX-License-Identifier: BSL-1.0
#include <livecount/detail/epoch.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <set>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/threads.hpp"

using namespace livecount;
using livecount::tests::run_together;
using livecount::tests::threads;

namespace {

/// Where the kernel has no barrier for all threads.
struct LightSync : StdSync {
  [[nodiscard]] static bool register_heavy_barrier() noexcept { return false; }
};

template <class Sync>
using Guard = typename detail::Epochs<Sync>::Guard;

/// Whether what was retired under the stamp may be freed.
template <class Sync>
bool may_be_freed(std::uint64_t stamp) {
  return detail::Epochs<Sync>::oldest_reader() > stamp;
}

/// A thread that holds a guard until it is told to let go.
template <class Sync>
class Reader {
 public:
  Reader()
      : thread_([this] {
          const Guard<Sync> guard;
          step_ = 1;
          while (step_ != 2) std::this_thread::yield();
          about_to_leave_ = true;
        }) {
    while (step_ == 0) std::this_thread::yield();
  }
  ~Reader() { leave(); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  void let_go() { step_ = 2; }
  void leave() {
    let_go();
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] bool about_to_leave() const { return about_to_leave_; }

 private:
  std::atomic<int> step_{0};
  std::atomic<bool> about_to_leave_{false};
  std::thread thread_;
};

}  // namespace

TEMPLATE_TEST_CASE("what is retired while nobody reads may be freed", "", StdSync, LightSync) {
  for (int i = 0; i < 3; ++i) CHECK(may_be_freed<TestType>(detail::Epochs<TestType>::stamp()));
}

TEMPLATE_TEST_CASE("what is retired is not freed while a guard from before lives", "", StdSync, LightSync) {
  Reader<TestType> reader;
  const std::uint64_t stamp = detail::Epochs<TestType>::stamp();
  for (int i = 0; i < 3; ++i) CHECK_FALSE(may_be_freed<TestType>(stamp));
  reader.leave();
  CHECK(may_be_freed<TestType>(stamp));
}

TEMPLATE_TEST_CASE("guards nest, and only the last one to go lets go", "", StdSync, LightSync) {
  auto outer = std::make_unique<Guard<TestType>>();
  const std::uint64_t stamp = detail::Epochs<TestType>::stamp();
  (void)may_be_freed<TestType>(stamp);
  {
    const Guard<TestType> inner;
    CHECK_FALSE(may_be_freed<TestType>(stamp));
  }
  CHECK_FALSE(may_be_freed<TestType>(stamp));
  outer.reset();
  CHECK(may_be_freed<TestType>(stamp));
}

TEMPLATE_TEST_CASE("a quick guard is none in a thread's first one, and inside of another", "", StdSync,
                   LightSync) {
  using QuickGuard = typename detail::Epochs<TestType>::QuickGuard;
  std::thread([] { CHECK_FALSE(QuickGuard()); }).join();
  const std::uint64_t stamp = detail::Epochs<TestType>::stamp();
  { const Guard<TestType> first; }
  {
    const QuickGuard guard;
    CHECK(guard);
    CHECK_FALSE(QuickGuard());
    { const Guard<TestType> inner; }
    CHECK_FALSE(may_be_freed<TestType>(detail::Epochs<TestType>::stamp()));
  }
  CHECK(may_be_freed<TestType>(stamp));
  const Guard<TestType> outer;
  CHECK_FALSE(QuickGuard());
  CHECK_FALSE(may_be_freed<TestType>(detail::Epochs<TestType>::stamp()));
}

TEMPLATE_TEST_CASE("a guard taken later does not hold back what was retired before", "", StdSync, LightSync) {
  const std::uint64_t before = detail::Epochs<TestType>::stamp();
  CHECK(may_be_freed<TestType>(before));
  Reader<TestType> reader;
  CHECK(may_be_freed<TestType>(before));
  CHECK_FALSE(may_be_freed<TestType>(detail::Epochs<TestType>::stamp()));
}

TEMPLATE_TEST_CASE("of several readers the oldest one counts", "", StdSync, LightSync) {
  Reader<TestType> first;
  const std::uint64_t early = detail::Epochs<TestType>::stamp();
  (void)detail::Epochs<TestType>::oldest_reader();
  Reader<TestType> second;
  const std::uint64_t late = detail::Epochs<TestType>::stamp();
  CHECK_FALSE(may_be_freed<TestType>(early));
  first.leave();
  CHECK(may_be_freed<TestType>(early));
  CHECK_FALSE(may_be_freed<TestType>(late));
  second.leave();
  CHECK(may_be_freed<TestType>(late));
}

TEMPLATE_TEST_CASE("synchronize waits for the guards that exist", "", StdSync, LightSync) {
  detail::Epochs<TestType>::synchronize();  // there is none
  Reader<TestType> reader;
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    reader.let_go();
  });
  detail::Epochs<TestType>::synchronize();
  CHECK(reader.about_to_leave());
  later.join();
}

TEMPLATE_TEST_CASE("crossings are waited for, and guards are not; for memory they are the same", "", StdSync,
                   LightSync) {
  using Epochs = detail::Epochs<TestType>;
  Epochs::wait_for_crossings();  // there is none
  Reader<TestType> reader;
  Epochs::wait_for_crossings();  // for ever, if it waited for the reader
  reader.leave();
  const std::uint64_t stamp = Epochs::stamp();
  std::atomic<int> step{0};
  std::atomic<bool> about_to_leave{false};
  std::thread crosser([&] {
    { const Guard<TestType> first; }
    const typename Epochs::Crossing crossing;
    step = crossing ? 1 : 3;
    while (step == 1) std::this_thread::yield();
    about_to_leave = true;
  });
  while (step == 0) std::this_thread::yield();
  REQUIRE(step == 1);
  CHECK_FALSE(may_be_freed<TestType>(stamp));
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    step = 2;
  });
  Epochs::wait_for_crossings();
  CHECK(about_to_leave);
  later.join();
  crosser.join();
  CHECK(may_be_freed<TestType>(stamp));
}

TEMPLATE_TEST_CASE("synchronize does not wait for guards that keep coming", "", StdSync, LightSync) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      while (!stop) const Guard<TestType> guard;
    });
  }
  for (int i = 0; i < 100; ++i) detail::Epochs<TestType>::synchronize();
  for (int i = 0; i < 100; ++i) detail::Epochs<TestType>::wait_for_crossings();
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

TEMPLATE_TEST_CASE("threads that live at the same time have different numbers, and one keeps its own", "",
                   StdSync, LightSync) {
  std::array<std::uint32_t, threads> numbers{};
  std::atomic<int> drawn{0};
  std::atomic<int> wrong{0};
  run_together([&](int i, auto&) {
    const std::uint32_t number = Guard<TestType>().thread_index();
    numbers[static_cast<std::size_t>(i)] = number;
    if (Guard<TestType>().thread_index() != number) ++wrong;
    ++drawn;
    while (drawn != threads) std::this_thread::yield();
  });
  CHECK(wrong == 0);
  CHECK(std::set(numbers.begin(), numbers.end()).size() == threads);
}

TEMPLATE_TEST_CASE("a thread that ends hands its number and its record to the next one", "", StdSync,
                   LightSync) {
  std::set<std::uint32_t> numbers;
  for (int i = 0; i < 50; ++i) {
    std::thread([&] {
      const Guard<TestType> guard;
      numbers.insert(guard.thread_index());
    }).join();
    REQUIRE(may_be_freed<TestType>(detail::Epochs<TestType>::stamp()));
  }
  CHECK(numbers.size() == 1);
}

namespace {

struct Node {
  explicit Node(std::uint64_t made) : value(made), complement(~made) {}
  std::uint64_t value;
  std::uint64_t complement;
};

/// A place whose node is replaced all the time. Freed nodes are spoilt first, so that a late reader notices
/// without a sanitizer, too.
template <class Sync>
class Place {
 public:
  ~Place() {
    delete node_.load();
    for (const auto& [node, stamp] : retired_) delete node;
  }
  [[nodiscard]] bool read_is_whole() const {
    const Guard<Sync> guard;
    const Node* const node = node_.load(std::memory_order_acquire);
    for (int i = 0; i < 20; ++i) {
      if (std::as_const(node->value) != ~std::as_const(node->complement)) return false;
      if (i == 10) std::this_thread::yield();
    }
    return true;
  }
  void replace(std::uint64_t value) {  // by one thread
    Node* const old = node_.exchange(new Node(value), std::memory_order_acq_rel);
    retired_.emplace_back(old, detail::Epochs<Sync>::stamp());
    const std::uint64_t oldest = detail::Epochs<Sync>::oldest_reader();
    std::erase_if(retired_, [&](const auto& retired) {
      if (retired.second >= oldest) return false;
      retired.first->value = retired.first->complement = 0;
      delete retired.first;
      ++freed_;
      return true;
    });
  }
  [[nodiscard]] int freed() const { return freed_; }

 private:
  std::atomic<Node*> node_{new Node(0)};
  std::vector<std::pair<Node*, std::uint64_t>> retired_;
  int freed_ = 0;
};

}  // namespace

TEMPLATE_TEST_CASE("nothing is freed under a reader, and nearly all is freed", "", StdSync, LightSync) {
  std::array<Place<TestType>, 2> places;
  constexpr int replacements = 5'000;
  std::atomic<int> writing{2};
  std::atomic<int> wrong{0};
  run_together([&](int number, auto& random) {
    if (number < 2) {
      for (int i = 0; i < replacements; ++i) places[static_cast<std::size_t>(number)].replace(random());
      --writing;
    } else {
      while (writing != 0) {
        if (!places[random() % 2].read_is_whole()) ++wrong;
      }
    }
  });
  CHECK(wrong == 0);
  for (Place<TestType>& place : places) {
    place.replace(0);
    CHECK(place.freed() > replacements);
  }
}
