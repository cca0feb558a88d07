// expect: livecount: StorePolicy needs  struct Options  (default constructible)
// A store that is made from nothing.
#include <livecount/livecount.hpp>

struct Store {
  using guarantee = livecount::at_least_once;
  std::optional<livecount::Count> read(const livecount::KeyView&) { return {}; }
  livecount::ApplyResult apply(const livecount::Batch&) { return livecount::Outcome::applied; }
};

livecount::Counter<livecount::LruCache, Store, livecount::ManualQueue> counter;
