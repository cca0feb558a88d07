// SPDX-License-Identifier: BSL-1.0
// 64 mutexes and absl::flat_hash_map, which places by the bits above the lowest seven of the hash.
#include <absl/container/flat_hash_map.h>

#include "../support/sharded.hpp"

namespace {

using Map = absl::flat_hash_map<std::string, std::int64_t, bench::Hash, std::equal_to<>>;

const bench::Registered entry({"64 mutexes + Abseil flat map", bench::Role::rival,
                               [](std::size_t) -> std::unique_ptr<bench::Contender> {
                                 return std::make_unique<bench::Sharded<Map, 50>>();
                               }});

}  // namespace
