// SPDX-License-Identifier: BSL-1.0
// 64 mutexes and boost::unordered_flat_map, which places by the highest bits of the hash and tags by the lowest.
#include <boost/unordered/unordered_flat_map.hpp>

#include "../support/sharded.hpp"

namespace {

using Map = boost::unordered_flat_map<std::string, std::int64_t, bench::Hash, std::equal_to<>>;

const bench::Registered entry({"64 mutexes + Boost flat map", bench::Role::rival,
                               [](std::size_t) -> std::unique_ptr<bench::Contender> {
                                 return std::make_unique<bench::Sharded<Map, 24>>();
                               }});

}  // namespace
