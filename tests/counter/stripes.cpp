// SPDX-License-Identifier: BSL-1.0
// Stripes alone. Beside a worker, readers and closing: interleave/stripes.cpp, stress/stripes.cpp; through handles:
// handle.cpp.
#include <livecount/counter/stripes.hpp>

#include <livecount/entry.hpp>

#include <memory>
#include <optional>

#include "support/catch.hpp"

using namespace livecount;

namespace {

/// Where the kernel has no barrier for all threads.
struct LightSync : StdSync {
  [[nodiscard]] static bool register_heavy_barrier() noexcept { return false; }
};

template <class Sync>
struct World {
  using Entry = BasicEntry<Sync>;
  struct Destroy {
    void operator()(Entry* made) const noexcept { Entry::destroy(made); }
  };

  World() { detail::Epochs<Sync>::prepare(); }
  /// What is folded; nothing if there is nothing.
  std::optional<Count> take() {
    std::optional<Count> folded;
    stripes.take(*entry, 7, nullptr, [&](Count sum) { folded = sum; });
    return folded;
  }

  std::unique_ptr<Entry, Destroy> entry{Entry::create({default_namespace, {}, "a"})};
  detail::Stripes<Entry> stripes;
};

}  // namespace

TEMPLATE_TEST_CASE("what an entry's stripes have gathered is folded once", "", StdSync, LightSync) {
  World<TestType> world;
  CHECK_FALSE(world.entry->is_striped());
  auto& first = world.stripes.join(*world.entry, 7);
  auto& second = world.stripes.join(*world.entry, 7);
  CHECK(world.entry->is_striped());
  CHECK(world.take() == std::nullopt);

  first.add(3);
  first.add(4);
  second.add(10);
  CHECK(world.stripes.totals().gathered.sum == 17);
  CHECK(world.stripes.totals().gathered.updates == 3);
  CHECK(world.take() == 17);
  CHECK(world.take() == std::nullopt);
  CHECK(world.stripes.totals().gathered.is_nothing());
  CHECK(world.stripes.totals().folded.sum == 17);
  CHECK(world.stripes.totals().folded.updates == 3);

  world.stripes.leave(*world.entry, 7, first);
  CHECK(world.entry->is_striped());
  world.stripes.leave(*world.entry, 7, second);
  CHECK_FALSE(world.entry->is_striped());
  CHECK(world.stripes.totals().folded.updates == 3);
}

TEMPLATE_TEST_CASE("an addition is taken back if it has not been folded", "", StdSync, LightSync) {
  World<TestType> world;
  auto& stripe = world.stripes.join(*world.entry, 7);
  stripe.add(1);
  stripe.add(5);
  CHECK(world.stripes.take_back(stripe, 7, 5));
  CHECK(world.take() == 1);
  stripe.add(5);
  CHECK(world.take() == 5);
  CHECK_FALSE(world.stripes.take_back(stripe, 7, 5));
  CHECK(world.take() == std::nullopt);
}

TEST_CASE("stripes of other entries are left alone, also where they share a lock") {
  World<StdSync> world;
  const std::unique_ptr<World<StdSync>::Entry, World<StdSync>::Destroy> other(
      World<StdSync>::Entry::create({default_namespace, {}, "b"}));
  world.stripes.join(*world.entry, 7).add(1);
  auto& stripe = world.stripes.join(*other, 7);
  stripe.add(2);
  CHECK(world.take() == 1);
  CHECK(world.stripes.totals().gathered.sum == 2);
  world.stripes.leave(*other, 7, stripe);
  CHECK(world.entry->is_striped());
}
