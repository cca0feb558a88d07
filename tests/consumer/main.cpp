// Counts in memory: needs livecount::livecount only.
#include <livecount/livecount.hpp>

int main() {
  using Hits = livecount::Counter<livecount::LruCache, livecount::MemoryStore, livecount::InlineQueue>;
  Hits hits{{}};
  hits.increment("home");
  hits.increment("home", {.delta = 2});
  return hits.get("home") == 3 ? 0 : 1;
}
