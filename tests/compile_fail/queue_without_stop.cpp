// expect: livecount: QueuePolicy needs  void stop()
// A queue that goes on for ever.
#include <livecount/livecount.hpp>

struct Queue {
  struct Options {};
  static constexpr bool writes_through = false;
  explicit Queue(Options) {}
  livecount::Pace pace() const { return {}; }
  void start(livecount::Drain&) {}
  void notify(livecount::Wake) {}
};

livecount::Counter<livecount::LruCache, livecount::MemoryStore, Queue> counter;
