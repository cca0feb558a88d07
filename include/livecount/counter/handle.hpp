// SPDX-License-Identifier: BSL-1.0
//
// Handle: a name resolved once. Its updates skip hashing and looking up.
//
//     auto views = hits.handle(url, {.periods = PeriodType::day | PeriodType::week});
//     views.increment();
//
// A handle keeps the counters of its current buckets in the cache (they cannot be evicted), and moves on to
// the next bucket by itself when the time comes. It may outlive its Counter: from close() on its updates end
// in Errc::closed. In a forked child they end in Errc::forked_child.
//
// A striped handle is for threads that count one thing very often: each counts on a cache line of its own, and does not
// slow the others. It has one period. What it has counted is brought together whenever somebody reads the counter, or
// looks at its count to change it, and by the worker; so such calls on a counter that has striped handles take a lock.
// A decrement, and a delta of 0 or above 2^20, goes the way of any other handle; so does everything with a queue that
// writes through or has a batch_size. Of two updates beside a reset, the first by a stripe and the second in another
// way, the second may be discarded and the first stay.
//
//     auto mine = hits.striped_handle(url);  // in each thread
//
// Threads: distinct handles, also of one name: safe. A shared handle: not safe, give each thread its own.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "core.hpp"
#include "raise.hpp"

namespace livecount::inline v0_1 {

template <class Core, bool striped>
class BasicHandle {
 public:
  /// Made by Counter::handle and Counter::striped_handle.
  BasicHandle(std::shared_ptr<Core> core, std::string_view name, const Binding& binding)
      : core_(std::move(core)),
        name_(name),
        ns_(binding.ns),
        periods_(binding.periods),
        name_hash_(core_->hash_of(ns_, name_)) {
    Errc code = core_->check(name_, ns_);
    if (code == Errc::ok && core_->closed()) code = core_->refusal();
    if (code != Errc::ok) {
      detail::raise(*core_, code, striped ? "striped_handle" : "handle", name_, {.ns = ns_});
    }
    if (striped && periods_.size() != 1) {
      throw Error(Errc::invalid_option, "a striped handle takes one period, not " + to_string(periods_),
                  "striped_handle");
    }
  }
  ~BasicHandle() { let_go(); }
  BasicHandle(BasicHandle&& other) noexcept
      : core_(std::move(other.core_)),
        name_(std::move(other.name_)),
        ns_(std::move(other.ns_)),
        periods_(other.periods_),
        name_hash_(other.name_hash_),
        timeless_(std::exchange(other.timeless_, false)),
        from_(other.from_),
        length_(std::exchange(other.length_, 0)),
        horizons_(other.horizons_),
        entries_(other.entries_),
        count_(std::exchange(other.count_, 0)),
        left_out_(other.left_out_),
        stripe_(other.stripe_) {}
  BasicHandle& operator=(BasicHandle&&) = delete;

  /// Adds to every period, or to none. Throws and Progress: as Counter::increment.
  void increment(Count delta = 1, std::optional<Time> at = std::nullopt) {
    if (const Errc code = try_increment(delta, at); code != Errc::ok) {
      raise(code, delta, at);
    }
  }
  /// The same, downwards. Requires: delta is not the smallest 64-bit number.
  void decrement(Count delta = 1, std::optional<Time> at = std::nullopt) { increment(-delta, at); }

  /// The same as increment, with the error as a code. Throws: nothing. Progress: as Counter::increment; of a striped handle
  /// wait-free, but for the first update after a batch, which waits for moments.
  [[nodiscard]] Errc try_increment(Count delta = 1, std::optional<Time> at = std::nullopt) noexcept {
    if (!is_bound(at)) [[unlikely]] {
      if (const Errc code = bind(at); code != Errc::ok) return core_->refuse(code);
    }
    if constexpr (striped) {
      if (stripe_) return core_->update_striped(*entries_[0], *stripe_, name_hash_, delta);
    }
    const Errc code = core_->update_pinned(entries_.data(), count_, name_hash_, delta);
    if (code == Errc::ok && left_out_ != 0) [[unlikely]]
      core_->leave_out(left_out_);
    return code;
  }

 private:
  [[noreturn, gnu::cold]] void raise(Errc code, Count delta, std::optional<Time> at) const {
    detail::raise(*core_, code, "increment", name_,
                  {.periods = periods_, .ns = ns_, .delta = delta, .at = at});
  }

  /// Whether the entries are those of the buckets in which the time lies, and these are kept.
  [[nodiscard]] bool is_bound(const std::optional<Time>& at) const noexcept {
    if (timeless_) return true;
    const std::uint64_t since = static_cast<std::uint64_t>(seconds_of(core_->time_of(at))) - from_;
    return since < length_ && horizons_ == core_->moves_of_horizons();
  }

  /// Makes them those.
  [[nodiscard, gnu::noinline]] Errc bind(const std::optional<Time>& at) noexcept {
    if (core_->closed()) return core_->refusal();
    let_go();
    try {
      if (periods_ == PeriodType::all) {  // whatever the time, of any year
        const Errc code = pin(std::nullopt);
        timeless_ = code == Errc::ok;
        return code;
      }
      const Time time = core_->time_of(at);
      horizons_ = core_->moves_of_horizons();
      const Errc code = pin(time);
      if (code == Errc::ok) remember_bounds(time);
      return code;
    } catch (const Error& error) {
      let_go();
      return error.code();
    } catch (const std::exception&) {  // no memory for an entry
      let_go();
      return Errc::backpressure;
    }
  }

  [[nodiscard]] Errc pin(const std::optional<Time>& time) {
    left_out_ = 0;
    for (const PeriodType type : periods_) {
      const HashedKey key = core_->key_of(name_, ns_, type, time, name_hash_);
      if (!core_->keeps(key.key.bucket)) {
        ++left_out_;
        continue;
      }
      auto* const entry = core_->pin(key);
      if (!entry) {
        let_go();
        return core_->closed() ? core_->refusal() : Errc::backpressure;
      }
      entries_[count_++] = entry;
      if constexpr (striped) stripe_ = core_->join(*entry, name_hash_);
    }
    return count_ != 0 || periods_.empty() ? Errc::ok : Errc::expired;
  }

  /// All buckets hold from the latest beginning to the earliest end.
  void remember_bounds(Time time) {
    std::int64_t from = INT64_MIN;
    std::int64_t until = INT64_MAX;
    for (const PeriodType type : periods_) {
      const Calendar::Segment segment = core_->calendar().segment(type, time);
      from = std::max(from, seconds_of(segment.from));
      until = std::min(until, seconds_of(segment.until));
    }
    from_ = static_cast<std::uint64_t>(from);
    length_ = static_cast<std::uint64_t>(until) - from_;
  }
  [[nodiscard]] static std::int64_t seconds_of(Time time) noexcept {
    return time.seconds().time_since_epoch().count();
  }

  void let_go() noexcept {
    timeless_ = false;
    length_ = 0;
    if (count_ > 0 && core_->forked()) count_ = 0;  // the parent's pins
    if (count_ > 0 && stripe_) core_->leave(*entries_[0], *stripe_, name_hash_);
    stripe_ = nullptr;
    while (count_ > 0) core_->unpin(*entries_[--count_]);
  }

  std::shared_ptr<Core> core_;
  std::string name_;
  std::string ns_;
  Periods periods_;
  std::uint64_t name_hash_;
  bool timeless_ = false;       // bound, and to the only bucket there is
  std::uint64_t from_ = 0;      // seconds: bound to the buckets in which these lie
  std::uint64_t length_ = 0;    // 0: to none
  std::uint64_t horizons_ = 0;  // how often they had moved when it was bound
  std::array<typename Core::Entry*, detail::most_periods> entries_{};
  std::size_t count_ = 0;
  std::size_t left_out_ = 0;                 // periods whose bucket is not kept
  typename Core::Stripe* stripe_ = nullptr;  // of the entry, if this handle has one
};

}  // namespace livecount::inline v0_1
