// expect: livecount: StorePolicy needs  livecount::ApplyResult apply(const livecount::Batch& batch)
// A store that cannot write.
#include <livecount/livecount.hpp>

struct Store {
  struct Options {};
  using guarantee = livecount::at_least_once;
  explicit Store(Options) {}
  std::optional<livecount::Count> read(const livecount::KeyView&) { return {}; }
};

livecount::Counter<livecount::LruCache, Store, livecount::ManualQueue> counter;
