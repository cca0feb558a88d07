// SPDX-License-Identifier: BSL-1.0
// Telling the processor what memory will be looked at.
#pragma once

namespace livecount::inline v0_1::detail {

inline void prefetch(const void* place) noexcept {
  __builtin_prefetch(place);
  // Else g++ 12 takes a function that only prefetches for one without effect, and drops calls of it.
  asm volatile("");
}

}  // namespace livecount::inline v0_1::detail
