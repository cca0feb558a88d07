// SPDX-License-Identifier: BSL-1.0
// A store of one's own: the least that StorePolicy asks for. Whether it does what is asked, testing/conformance.hpp tells.
#include <livecount/livecount.hpp>

#include <iostream>
#include <map>
#include <mutex>
#include <string>

using livecount::Batch;
using livecount::Count;
using livecount::Key;
using livecount::KeyView;

class MapStore {
 public:
  struct Options {};
  // It keeps no ledger, so a batch that is sent again is applied again. (This one never gives an unclear
  // answer.)
  using guarantee = livecount::at_least_once;

  explicit MapStore(Options) {}

  std::optional<Count> read(const KeyView& key) {
    const std::lock_guard lock(mutex_);
    const auto found = counts_.find(owned(key));
    return found == counts_.end() ? std::nullopt : std::optional(found->second);
  }

  livecount::ApplyResult apply(const Batch& batch) {
    const std::lock_guard lock(mutex_);
    livecount::ApplyResult result = livecount::Outcome::applied;
    for (std::size_t i = 0; i < batch.records.size(); ++i) {
      const auto& [key, change] = batch.records[i];
      const auto found = counts_.find(owned(key));
      const Count count = change.apply(found == counts_.end() ? 0 : found->second);
      if (livecount::in_range(count)) {
        counts_[owned(key)] = count;
      } else {
        result.quarantined.push_back(i);  // set aside, and named
      }
    }
    return result;
  }

 private:
  static Key owned(const KeyView& key) { return {std::string(key.ns), key.bucket, std::string(key.name)}; }

  std::mutex mutex_;  // reads come from any thread, beside an apply
  std::map<Key, Count> counts_;
};

static_assert(livecount::check_store<MapStore>());  // names what is missing, if something is

int main() {
  livecount::FastCounter<MapStore> votes;
  votes.increment("red", {.delta = 3});
  votes.decrement("red", {.delta = 5});  // stops at zero
  votes.increment("red");
  votes.flush();
  const auto stored = votes.store().read({"default", {}, "red"});
  std::cout << stored.value_or(-1) << '\n';
  return stored == 1 ? 0 : 1;
}
