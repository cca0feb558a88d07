// SPDX-License-Identifier: BSL-1.0
// livecount with its SQLite store: link livecount::sqlite.
#pragma once

#include "livecount.hpp"
#include "store/sqlite_store.hpp"
