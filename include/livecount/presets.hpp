// SPDX-License-Identifier: BSL-1.0
// Compositions by name, for those who would rather not choose three policies.
//
//     livecount::FastCounter<livecount::SqliteStore> hits{{.store = {.path = "hits.db"}}};
#pragma once

#include "cache/lock_free_cache.hpp"
#include "cache/lru_cache.hpp"
#include "cache/null_cache.hpp"
#include "counter.hpp"
#include "queue/inline_queue.hpp"
#include "queue/jthread_queue.hpp"
#include "queue/manual_queue.hpp"
#include "store/memory_store.hpp"

namespace livecount::inline v0_1 {

/// Counts at the speed of memory and writes behind the program's back: the usual choice.
template <class Store>
using FastCounter = Counter<LockFreeCache, Store, JthreadQueue>;

/// Returns from an update only when it is in the store.
template <class Store>
using DurableCounter = Counter<NullCache, Store, InlineQueue>;

/// No disk and no thread: for tests.
using TestCounter = Counter<LruCache, MemoryStore, ManualQueue>;

}  // namespace livecount::inline v0_1
