// Counts into a file, and finds the count there again: needs livecount::sqlite.
#include <livecount/sqlite.hpp>

using Hits = livecount::Counter<livecount::LruCache, livecount::SqliteStore, livecount::InlineQueue>;

int main() {
  {
    Hits hits{{.store = {.path = "consumer.db"}}};
    hits.increment("home", {.delta = 3});
    hits.flush();
  }
  Hits hits{{.store = {.path = "consumer.db"}}};
  return hits.get("home") == 3 ? 0 : 1;
}
