// SPDX-License-Identifier: BSL-1.0
// The version of livecount. The only place that states it: CMake reads it from here.
#pragma once

#define LIVECOUNT_VERSION_MAJOR 0
#define LIVECOUNT_VERSION_MINOR 1
#define LIVECOUNT_VERSION_PATCH 0
#define LIVECOUNT_VERSION_STRING "0.1.0"
#define LIVECOUNT_VERSION \
  (LIVECOUNT_VERSION_MAJOR * 10000 + LIVECOUNT_VERSION_MINOR * 100 + LIVECOUNT_VERSION_PATCH)

#if defined(__clang__) && __clang_major__ < 14
#error "livecount needs clang 14 or newer (C++20)"
#elif defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 12
#error "livecount needs g++ 12 or newer (C++20)"
#endif
