// expect: livecount: QueuePolicy needs  livecount::Pace pace() const
// A queue that tells its delay alone.
#include <livecount/livecount.hpp>

struct Queue {
  struct Options {};
  static constexpr bool writes_through = false;
  explicit Queue(Options) {}
  std::chrono::milliseconds pace() const { return {}; }
  void start(livecount::Drain&) {}
  void notify(livecount::Wake) {}
  void stop() {}
};

livecount::Counter<livecount::LruCache, livecount::MemoryStore, Queue> counter;
