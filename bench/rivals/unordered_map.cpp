// SPDX-License-Identifier: BSL-1.0
// The naive rival: a mutex and a std::unordered_map, with the standard library's hash.
#include <mutex>
#include <unordered_map>

#include "../support/contender.hpp"

namespace {

struct StandardHash : std::hash<std::string_view> {
  using is_transparent = void;
};

class UnorderedMap : public bench::Contender {
 public:
  void add(std::span<const std::string_view> names) override {
    for (const std::string_view name : names) {
      const std::lock_guard lock(mutex_);
      const auto found = counts_.find(name);
      if (found != counts_.end()) {
        ++found->second;
      } else {
        counts_.emplace(name, 1);
      }
    }
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::int64_t, StandardHash, std::equal_to<>> counts_;
};

const bench::Registered entry({"mutex + std::unordered_map", bench::Role::rival,
                               [](std::size_t) -> std::unique_ptr<bench::Contender> {
                                 return std::make_unique<UnorderedMap>();
                               }});

}  // namespace
