// SPDX-License-Identifier: BSL-1.0
// The text of a key: what is read is written the same.
#include <livecount/key.hpp>

#include "fuzz/fuzz.hpp"

using namespace livecount;
using namespace livecount::tests;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes input(text_of(data, size));
  const WeekStart week_start = input.number() % 2 == 0 ? WeekStart::monday : WeekStart::sunday;
  const std::string_view text = input.rest();
  try {
    const Key key = parse_key(text, week_start);
    const KeyText written = to_text(key);
    require(written.text == text, "a key is written as it was read");
    require(written.reversible, "what was read can be read again");
  } catch (const Error& error) {
    require(error.code() == Errc::invalid_text || error.code() == Errc::time_out_of_range,
            "a text is refused for what is in it");
  }
  // Any bytes are a name, and one without colons is a namespace.
  const std::string_view ns = text.substr(0, text.find(':'));
  const KeyView any{ns, {PeriodType::hour, 1'308'160'800}, text};
  require(parse_key(to_text(any).text) == any, "every name survives being written");
  return 0;
}
