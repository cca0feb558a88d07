// SPDX-License-Identifier: BSL-1.0
//
// How many names a bucket of a namespace may have: against names that somebody makes up without end.
//
// Before a batch is sent for the first time, each of its records is looked at. A name that the bucket has, or still has
// room for, goes on; the change of any other is added to the counter `overflow_name` of its bucket. What names a bucket
// has is read from the store when a record of it comes, and remembered for the buckets used last; a name that is not among
// them is looked for in the store once more, as another process may have made it.
//
// Threads: by the holder of the drain's turn.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "../concepts.hpp"
#include "../detail/hash.hpp"

namespace livecount::inline v0_1 {

/// Where what goes over Options::max_names is counted.
inline constexpr std::string_view overflow_name = "(other)";

namespace detail {

template <class Store>
class NameCap {
 public:
  /// `most`: names of a bucket; 0: as many as come. `seed`: of the hash of names.
  NameCap(Store& store, std::size_t most, std::uint64_t seed) : store_(store), most_(most), seed_(seed) {}

  [[nodiscard]] bool is_on() const noexcept { return most_ != 0; }

  /// Whether a record may make its counter, or change it. Throws: what the store throws, std::bad_alloc.
  [[nodiscard]] bool admits(const Record& record) {
    const KeyView& key = record.key;
    if (key.name == overflow_name) return true;
    Names& names = names_of(key);
    const std::uint64_t hash = hash_name(key.ns, key.name, seed_);
    if (record.change.is_removal()) {
      names.hashes.erase(hash);
      return true;
    }
    if (names.hashes.contains(hash)) return true;
    if (names.hashes.size() >= most_) return store_.read(key).has_value();
    names.hashes.insert(hash);
    return true;
  }

 private:
  static constexpr std::size_t most_buckets = 64;

  struct Names {
    std::string ns;
    Bucket bucket;
    std::uint64_t used = 0;  // the number of the look at which it was used last
    std::unordered_set<std::uint64_t> hashes{};
  };

  [[nodiscard]] Names& names_of(const KeyView& key) {
    const auto found = std::find_if(buckets_.begin(), buckets_.end(), [&](const Names& names) {
      return names.bucket == key.bucket && names.ns == key.ns;
    });
    if (found != buckets_.end()) {
      found->used = ++looks_;
      return *found;
    }
    Names names{std::string(key.ns), key.bucket, ++looks_};
    for (const std::string& name :
         store_.snapshot().names(only(key.ns, key.bucket), std::nullopt, most_ + 1)) {
      if (name != overflow_name) names.hashes.insert(hash_name(key.ns, name, seed_));
    }
    if (buckets_.size() < most_buckets) return buckets_.emplace_back(std::move(names));
    const auto oldest = std::min_element(buckets_.begin(), buckets_.end(),
                                         [](const Names& a, const Names& b) { return a.used < b.used; });
    return *oldest = std::move(names);
  }

  Store& store_;
  const std::size_t most_;
  const std::uint64_t seed_;
  std::vector<Names> buckets_;
  std::uint64_t looks_ = 0;
};

}  // namespace detail
}  // namespace livecount::inline v0_1
