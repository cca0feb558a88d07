// SPDX-License-Identifier: BSL-1.0
// libcds' MichaelHashMap (a lock-free list a bucket) with hazard pointers. Beside the others: its number of buckets is
// fixed, and its threads have to be attached.
#include <cds/container/michael_kvlist_hp.h>
#include <cds/container/michael_map.h>
#include <cds/gc/hp.h>
#include <cds/init.h>

#include <atomic>

#include "../support/contender.hpp"

namespace {

struct Library {
  Library() { cds::Initialize(); }
  ~Library() {
    collector.reset();
    cds::Terminate();
  }
  std::unique_ptr<cds::gc::HP> collector = std::make_unique<cds::gc::HP>(16, 64);
};

struct Attached {
  Attached() {
    static Library library;
    cds::threading::Manager::attachThread();
  }
  ~Attached() { cds::threading::Manager::detachThread(); }
};

struct Compare {
  int operator()(std::string_view a, std::string_view b) const { return a.compare(b); }
};
struct ListTraits : cds::container::michael_list::traits {
  using compare = Compare;
};
struct MapTraits : cds::container::michael_map::traits {
  using hash = bench::Hash;
};
using List = cds::container::MichaelKVList<cds::gc::HP, std::string, std::int64_t, ListTraits>;
using Map = cds::container::MichaelHashMap<cds::gc::HP, List, MapTraits>;

class Michael : public bench::Contender {
 public:
  explicit Michael(std::size_t names) {
    const Attached attached;
    counts_ = std::make_unique<Map>(names, 1);
  }
  ~Michael() override {
    const Attached attached;
    counts_.reset();
  }
  void add(std::span<const std::string_view> names) override {
    const Attached attached;
    const auto increment = [](auto& item) {
      std::atomic_ref(item.second).fetch_add(1, std::memory_order_relaxed);
    };
    for (const std::string_view name : names) {
      if (counts_->find(name, increment)) continue;
      counts_->insert(std::string(name), std::int64_t{0});
      counts_->find(name, increment);
    }
  }

 private:
  std::unique_ptr<Map> counts_;
};

const bench::Registered entry({"libcds Michael map", bench::Role::beside,
                               [](std::size_t names) -> std::unique_ptr<bench::Contender> {
                                 return std::make_unique<Michael>(names);
                               }});

}  // namespace
