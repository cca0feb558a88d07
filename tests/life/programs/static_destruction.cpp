// SPDX-License-Identifier: BSL-1.0
// A Counter of static storage duration, used by the destructors of other static objects: those made after it still count,
// in the main thread after its thread-local objects have gone, and a handle of it may be used when it is no more.
#include <livecount/livecount.hpp>

#include <cstdio>
#include <memory>
#include <optional>

#include <unistd.h>

namespace {

using namespace livecount;

/// A store whose data outlive all statics.
class KeptStore {
 public:
  struct Options {};
  using guarantee = exactly_once;
  explicit KeptStore(Options) {}
  [[nodiscard]] std::optional<Count> read(const KeyView& key) const { return kept().read(key); }
  [[nodiscard]] ApplyResult apply(const Batch& batch) { return kept().apply(batch); }
  static MemoryStore& kept() {
    static auto* const store = new MemoryStore;
    return *store;
  }
};
using Hits = Counter<LockFreeCache, KeptStore, JthreadQueue>;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "static_destruction: %s\n", what);
  ::_exit(1);
}

/// Destroyed last: everything has been written by then.
struct Verdict {
  ~Verdict() {
    require(KeptStore::kept().read({default_namespace, {}, "a"}) == 3, "not everything was stored");
  }
} verdict;

struct LateHandle {
  ~LateHandle() {
    require(handle->try_increment() == Errc::closed, "a late handle is not told that it is late");
  }
  std::optional<Hits::Handle> handle;
} late_handle;

Hits hits({.queue = {.max_delay = std::chrono::hours(1)}});

struct CountsAtTheEnd {
  ~CountsAtTheEnd() {
    hits.increment("a");
    require(hits.get("a") == 3, "a static made after the counter cannot use it");
  }
} counts_at_the_end;

struct CountsAtThreadEnd {
  ~CountsAtThreadEnd() { hits.increment("a"); }
  bool used = false;
};
thread_local CountsAtThreadEnd counts_at_thread_end;

}  // namespace

int main() {
  counts_at_thread_end.used = true;  // made before the library's own thread-local object: destroyed after it
  late_handle.handle.emplace(hits.handle("a"));
  hits.increment("a");
}
