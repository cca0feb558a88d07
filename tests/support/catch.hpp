// SPDX-License-Identifier: BSL-1.0
// Catch2, whichever version is installed.
#pragma once

#define CATCH_CONFIG_ENABLE_OPTIONAL_STRINGMAKER  // failures show optional counts

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>  // version 3
#else
#include <catch2/catch.hpp>  // version 2
#endif
