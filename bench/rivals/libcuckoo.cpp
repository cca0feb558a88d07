// SPDX-License-Identifier: BSL-1.0
// libcuckoo's cuckoohash_map.
#include <libcuckoo/cuckoohash_map.hh>

#include "../support/contender.hpp"

namespace {

class Cuckoo : public bench::Contender {
 public:
  void add(std::span<const std::string_view> names) override {
    const auto increment = [](std::int64_t& count) { ++count; };
    for (const std::string_view name : names) {
      if (!counts_.update_fn(name, increment)) counts_.upsert(std::string(name), increment, 1);
    }
  }

 private:
  libcuckoo::cuckoohash_map<std::string, std::int64_t, bench::Hash, std::equal_to<>> counts_;
};

const bench::Registered entry({"libcuckoo", bench::Role::rival,
                               [](std::size_t) -> std::unique_ptr<bench::Contender> {
                                 return std::make_unique<Cuckoo>();
                               }});

}  // namespace
