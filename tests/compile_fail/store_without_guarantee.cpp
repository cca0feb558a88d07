// expect: livecount: StorePolicy needs  using guarantee = livecount::exactly_once  (or at_least_once)
// A store that does not say what a batch sent twice does.
#include <livecount/livecount.hpp>

struct Store {
  struct Options {};
  explicit Store(Options) {}
  std::optional<livecount::Count> read(const livecount::KeyView&) { return {}; }
  livecount::ApplyResult apply(const livecount::Batch&) { return livecount::Outcome::applied; }
};

livecount::Counter<livecount::LruCache, Store, livecount::ManualQueue> counter;
