// expect: livecount: CachePolicy needs
// The cache comes first.
#include <livecount/livecount.hpp>

livecount::Counter<livecount::MemoryStore, livecount::LruCache, livecount::ManualQueue> counter;
