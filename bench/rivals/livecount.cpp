// SPDX-License-Identifier: BSL-1.0
//
// The whole product: LockFreeCache with eviction and dirty marks, JthreadQueue, SqliteStore with its defaults.
//
//   livecount                  all time, one by one
//   livecount day              the current day: with clock and calendar
//   livecount day+week+month   three counters in one call
//   livecount increment_many   all time, sixteen names at a time
//
// Nothing is written in a timed span but in settle(), after it: no store keeps up with millions of distinct names a
// second. For the same reason the database lies on a memory file system: the drain is another program's question.
#include "../support/livecount.hpp"
#include "../support/contender.hpp"
#include "../support/folder.hpp"
#include "../support/measure.hpp"

namespace {

using livecount::PeriodType;

class Livecount : public bench::Contender {
 public:
  Livecount(std::size_t names, livecount::Periods periods)
      : update_{.periods = periods},
        counter_(bench::write_later(folder_.file("hits.db"), names * periods.size())) {}

  void add(std::span<const std::string_view> names) override {
    for (const std::string_view name : names) counter_.increment(name, update_);
  }
  void touch(std::span<const std::string_view> names) override {
    for (const PeriodType period : update_.periods) {
      for (const std::string_view name : names) bench::keep(counter_.get(name, {.period = period}));
    }
  }
  void settle() override { counter_.flush(); }

 protected:
  const bench::Folder folder_ = bench::Folder::in_memory();
  const livecount::Update update_;
  bench::Counter counter_;
};

template <class C>
concept has_increment_many = requires(C& counter, std::span<const std::string_view> names,
                                      livecount::Update update) {
  counter.increment_many(names, update);
};

template <class C>
class LivecountMany : public Livecount {
 public:
  using Livecount::Livecount;
  void add(std::span<const std::string_view> names) override {
    static_cast<C&>(counter_).increment_many(names, update_);
  }
};

template <PeriodType... types>
[[nodiscard]] std::unique_ptr<bench::Contender> make(std::size_t names) {
  return std::make_unique<Livecount>(names, (livecount::Periods(types) | ...));
}

const bench::Registered all_time({"livecount", bench::Role::livecount, make<PeriodType::all>});
const bench::Registered one_day({"livecount day", bench::Role::livecount, make<PeriodType::day>});
const bench::Registered three({"livecount day+week+month", bench::Role::livecount,
                               make<PeriodType::day, PeriodType::week, PeriodType::month>});

// Entered as soon as the library has it.
template <class C>
[[maybe_unused]] bool enter_many() {
  if constexpr (has_increment_many<C>) {
    static const bench::Registered many({"livecount increment_many", bench::Role::livecount,
                                         [](std::size_t names) -> std::unique_ptr<bench::Contender> {
                                           return std::make_unique<LivecountMany<C>>(names, PeriodType::all);
                                         }});
  }
  return has_increment_many<C>;
}
[[maybe_unused]] const bool many = enter_many<bench::Counter>();

}  // namespace

std::unique_ptr<bench::Contender> bench::make_livecount(std::size_t names, std::size_t periods) {
  using enum PeriodType;
  constexpr PeriodType types[] = {all, day, week, month, year, hour, minute};
  livecount::Periods chosen;
  for (std::size_t i = 0; i < periods; ++i) chosen = chosen | types[i];
  return std::make_unique<Livecount>(names, chosen);
}
