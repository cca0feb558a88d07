// expect: livecount: CachePolicy needs  livecount::BasicEntry<Sync>* pin(const livecount::HashedKey& key)
// A cache that only finds entries.
#include <livecount/livecount.hpp>

struct Cache {
  struct Options {};
  using Sync = livecount::StdSync;
  using Entry = livecount::BasicEntry<Sync>;
  explicit Cache(Options) {}
  Entry* peek(const livecount::detail::Epochs<Sync>::Guard&, const livecount::HashedKey&) { return nullptr; }
  void unpin(Entry&) {}
  void settle(Entry&) {}
  std::size_t drop_clean() { return 0; }
  std::size_t capacity() const { return 0; }
  livecount::CacheStatistics statistics() const { return {}; }
};

livecount::Counter<Cache, livecount::MemoryStore, livecount::ManualQueue> counter;
