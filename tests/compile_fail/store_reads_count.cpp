// expect: livecount: StorePolicy needs  std::optional<livecount::Count> read(const livecount::KeyView& key)
// A store that cannot tell a counter that is 0 from one that does not exist.
#include <livecount/livecount.hpp>

struct Store {
  struct Options {};
  using guarantee = livecount::at_least_once;
  explicit Store(Options) {}
  livecount::Count read(const livecount::KeyView&) { return 0; }
  livecount::ApplyResult apply(const livecount::Batch&) { return livecount::Outcome::applied; }
};

livecount::Counter<livecount::LruCache, Store, livecount::ManualQueue> counter;
