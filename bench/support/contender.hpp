// SPDX-License-Identifier: BSL-1.0
//
// Contender: something that counts by name in memory. Each stands in a file of its own (rivals/), which is built if
// its library is there, and enters itself into the list:
//
//     const Registered entry{"mutex + std::unordered_map", Role::rival, [](std::size_t) { return ...; }};
//
// The loop over the names is the contender's, so a virtual call is not part of what is measured.
#pragma once

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bench {

class Contender {
 public:
  Contender() = default;
  virtual ~Contender() = default;
  Contender(const Contender&) = delete;
  Contender& operator=(const Contender&) = delete;

  /// Counts each name, one by one. Any thread.
  virtual void add(std::span<const std::string_view> names) = 0;
  /// Looks each of them up; what is to be settled does not grow.
  virtual void touch(std::span<const std::string_view> names) { add(names); }
  /// What has been put off and is not to be timed.
  virtual void settle() {}
};

/// Counts each name once, so that a timed span meets no new one. Not all at once: a cache can be full of counters that
/// are not yet written.
inline void make_known(Contender& contender, std::span<const std::string_view> names) {
  for (constexpr std::size_t piece = 200'000; !names.empty();) {
    contender.add(names.first(std::min(piece, names.size())));
    contender.settle();
    names = names.subspan(std::min(piece, names.size()));
  }
}

/// So many names, chosen by chance, are to be touched before a span is timed: nearly every page of 37 counters is, then. On
/// a virtual machine the first who touches a page that nobody has touched for a while can wait microseconds for it; and
/// what fits into the processor's caches is there again, though the contender before has had them.
[[nodiscard]] inline std::size_t enough_to_warm_up(std::size_t names) { return 2000 + names / 8; }

enum class Role {
  floor,      // what the hardware takes
  livecount,  // the whole product
  rival,      // counts for the bars
  beside,     // is shown only
};

struct Kind {
  std::string name;
  Role role;
  std::unique_ptr<Contender> (*make)(std::size_t names);  // for about so many names
};

/// All that are built in, floors first.
[[nodiscard]] inline std::vector<Kind>& kinds() {
  static std::vector<Kind> kinds;
  return kinds;
}

/// livecount, counting into the first so many of: all time, day, week, month, year, hour, minute.
[[nodiscard]] std::unique_ptr<Contender> make_livecount(std::size_t names, std::size_t periods);

struct Registered {
  explicit Registered(Kind kind) {
    auto& list = kinds();
    list.push_back(std::move(kind));
    std::stable_sort(list.begin(), list.end(), [](const Kind& a, const Kind& b) { return a.role < b.role; });
  }
};

/// The hash that all contenders use but the most naive one: XXH3, as livecount. For maps that can look up a
/// std::string by a std::string_view.
struct Hash {
  using is_transparent = void;
  using is_avalanching = void;  // Boost: needs no mixing after it
  std::size_t operator()(std::string_view name) const noexcept {
    return XXH3_64bits(name.data(), name.size());
  }
};

}  // namespace bench
