// SPDX-License-Identifier: BSL-1.0
// All of livecount that needs only Boost and xxHash. For SqliteStore include <livecount/sqlite.hpp>, for
// zones with daylight saving time <livecount/zone.hpp>.
#pragma once

#include "cache/lock_free_cache.hpp"
#include "cache/lru_cache.hpp"
#include "cache/null_cache.hpp"
#include "calendar.hpp"
#include "concepts.hpp"
#include "counter.hpp"
#include "error.hpp"
#include "key.hpp"
#include "period.hpp"
#include "presets.hpp"
#include "queue/inline_queue.hpp"
#include "queue/jthread_queue.hpp"
#include "queue/manual_queue.hpp"
#include "record.hpp"
#include "store/file_store.hpp"
#include "store/memory_store.hpp"
#include "time_text.hpp"
#include "version.hpp"
