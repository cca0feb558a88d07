// SPDX-License-Identifier: BSL-1.0
#include <livecount/counter/room.hpp>

#include "support/catch.hpp"

using namespace livecount;

TEST_CASE("marks find room until the places are taken, and again when some are given back") {
  detail::Room<StdSync> room(3);
  CHECK_FALSE(room.full());
  CHECK(room.reserve(2));
  CHECK_FALSE(room.reserve(2));
  CHECK(room.full());  // it has been asked for more than there was
  CHECK(room.taken() == 2);
  CHECK(room.reserve(1));
  CHECK(room.full());
  room.reserve_by_force();
  CHECK(room.taken() == 4);
  room.unreserve(1);
  CHECK(room.full());
  room.unreserve(1);
  CHECK_FALSE(room.full());
  CHECK(room.reserve(1));
  CHECK(room.taken() == 3);
}

TEST_CASE("for no marks there is always room") {
  detail::Room<StdSync> room(1);
  CHECK(room.reserve(1));
  room.reserve_by_force();
  CHECK(room.reserve(0));
  CHECK_FALSE(room.reserve(1));
}
