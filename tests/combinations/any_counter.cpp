// SPDX-License-Identifier: BSL-1.0
#include "combinations/any_counter.hpp"

#include <utility>
#include <vector>

namespace livecount::tests {
namespace {

template <class Cache, class Store, class Queue>
class AnyCounterOf final : public AnyCounter {
 public:
  using Counted = Counter<Cache, Store, Queue, TestClock>;

  explicit AnyCounterOf(typename Counted::Options options) : counter_(std::move(options)) {}

  void increment(std::string_view name, const Update& update) override { counter_.increment(name, update); }
  void decrement(std::string_view name, const Update& update) override { counter_.decrement(name, update); }
  Errc try_increment(std::string_view name, const Update& update) override {
    return counter_.try_increment(name, update);
  }
  Errc try_decrement(std::string_view name, const Update& update) override {
    return counter_.try_decrement(name, update);
  }
  Count increment_and_get(std::string_view name, const Update& update) override {
    return counter_.increment_and_get(name, update);
  }
  std::optional<Count> get(std::string_view name, const Lookup& lookup) override {
    return counter_.get(name, lookup);
  }
  std::optional<Count> get_and_reset(std::string_view name, const Lookup& lookup) override {
    return counter_.get_and_reset(name, lookup);
  }
  void reset(std::string_view name, const Lookup& lookup) override { counter_.reset(name, lookup); }
  void remove(std::string_view name, const Lookup& lookup) override { counter_.remove(name, lookup); }
  std::vector<NamedCount> top(const Top& top) override { return counter_.top(top); }
  std::vector<std::string> names(const Names& names) override { return counter_.names(names); }
  std::function<Errc(Count)> handle(std::string_view name, const Binding& binding) override {
    const auto handle = std::make_shared<typename Counted::Handle>(counter_.handle(name, binding));
    return [handle](Count delta) { return handle->try_increment(delta); };
  }
  void flush() override { counter_.flush(); }
  CloseReport close() override { return counter_.close(std::chrono::seconds(30)); }
  void drop_clean() override { (void)counter_.drop_clean(); }
  Stats stats() override { return counter_.stats(); }
  std::optional<Count> stored(const KeyView& key) override { return counter_.store().read(key); }

 private:
  Counted counter_;
};

template <class Cache, class Store, class Queue>
class CombinationOf final : public Combination {
 public:
  std::string name() const override { return names_of_policies<Cache, Store, Queue>(); }
  bool on_disk() const override { return StorePlace<Store>::on_disk; }
  bool shared() const override { return StorePlace<Store>::shared; }
  std::unique_ptr<AnyCounter> open(const Setup& setup) const override {
    typename Counter<Cache, Store, Queue, TestClock>::Options options;
    options.cache.entries = setup.entries;
    options.store = place_.options();
    if constexpr (!Queue::writes_through) options.queue.max_delay = setup.max_delay;
    options.floor = setup.floor;
    options.when_full = Limit::flush;
    options.refresh = setup.refresh;
    options.clock = setup.clock;
    return std::make_unique<AnyCounterOf<Cache, Store, Queue>>(std::move(options));
  }

 private:
  StorePlace<Store> place_;
};

using Maker = std::unique_ptr<Combination> (*)();

std::vector<Maker> make_makers() {
  std::vector<Maker> makers;
  for_each_combination([&](auto cache, auto store, auto queue) {
    using Made = CombinationOf<typename decltype(cache)::type, typename decltype(store)::type,
                               typename decltype(queue)::type>;
    makers.push_back([]() -> std::unique_ptr<Combination> { return std::make_unique<Made>(); });
  });
  return makers;
}

}  // namespace

std::unique_ptr<Combination> each_combination() {
  static const std::vector<Maker> makers = make_makers();
  return makers.at(GENERATE(range(std::size_t{0}, makers.size())))();
}

}  // namespace livecount::tests
