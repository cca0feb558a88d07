// SPDX-License-Identifier: BSL-1.0
// A store of one's own: the least that StorePolicy asks for.
#include <livecount/livecount.hpp>

#include <iostream>
#include <map>
#include <mutex>
#include <string>

using livecount::Batch;
using livecount::Count;
using livecount::KeyView;

class TextMapStore {
 public:
  struct Options {};
  // It keeps no ledger, so a batch that is sent again is applied again. (This one never gives an unclear
  // answer.)
  using guarantee = livecount::at_least_once;

  explicit TextMapStore(Options) {}

  std::optional<Count> read(const KeyView& key) {
    const std::lock_guard lock(mutex_);
    const auto found = counts_.find(livecount::to_text(key).text);
    return found == counts_.end() ? std::nullopt : std::optional(found->second);
  }

  livecount::ApplyResult apply(const Batch& batch) {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, change] : batch.records) {
      Count& count = counts_[livecount::to_text(key).text];
      count = change.apply(count);
    }
    return livecount::Outcome::applied;
  }

 private:
  std::mutex mutex_;  // reads come from any thread, beside an apply
  std::map<std::string, Count> counts_;
};

static_assert(livecount::check_store<TextMapStore>());  // names what is missing, if something is

int main() {
  livecount::FastCounter<TextMapStore> votes;
  votes.increment("red", {.delta = 3});
  votes.decrement("red", {.delta = 5});  // stops at zero
  votes.increment("red");
  votes.flush();
  const auto stored = votes.store().read({"default", {}, "red"});
  std::cout << stored.value_or(-1) << '\n';
  return stored == 1 ? 0 : 1;
}
