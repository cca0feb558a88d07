// SPDX-License-Identifier: BSL-1.0
#include <livecount/detail/bytes.hpp>

#include <string>

#include "support/catch.hpp"

TEST_CASE("strings of any length are the same if each of their bytes is") {
  for (std::size_t size = 0; size <= 70; ++size) {
    std::string a(size, 'x');
    for (std::size_t i = 0; i < size; ++i) a[i] = static_cast<char>('a' + i % 26);
    std::string b = a;
    REQUIRE(livecount::detail::same_bytes(a.data(), b.data(), size));
    for (char& byte : b) {
      byte = static_cast<char>(byte ^ 0x80);
      REQUIRE_FALSE(livecount::detail::same_bytes(a.data(), b.data(), size));
      byte = static_cast<char>(byte ^ 0x80);
    }
  }
}
