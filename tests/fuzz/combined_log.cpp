// SPDX-License-Identifier: BSL-1.0
// Access logs of web servers.
#include "../../examples/livecount/combined_log.hpp"

#include "fuzz/lines.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace livecount::tests;
  check_lines(text_of(data, size),
              [] { return std::make_unique<program::CombinedLog>(program::CombinedLog::Wanted{}); });
  return 0;
}
