// SPDX-License-Identifier: BSL-1.0
#include <livecount/detail/quote.hpp>

#include <string>

#include "support/catch.hpp"

using livecount::detail::quote;

TEST_CASE("bytes in a message are shown in quotes, and cannot end them or touch a terminal") {
  CHECK(quote("") == "\"\"");
  CHECK(quote("a b") == "\"a b\"");
  CHECK(quote("say \"\\\"") == "\"say \\\"\\\\\\\"\"");
  CHECK(quote(std::string("\0\n\x1b\x7f\xff", 5)) == "\"\\x00\\x0a\\x1b\\x7f\\xff\"");
}

TEST_CASE("of a long text the beginning is shown, and how long it is") {
  const std::string sixty(60, 'x');
  CHECK(quote(sixty) == '"' + sixty + '"');
  CHECK(quote(sixty + "yz") == '"' + sixty + "...\" (62 bytes)");
}
