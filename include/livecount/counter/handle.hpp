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

template <class Core>
class Handle {
 public:
  /// Made by Counter::handle.
  Handle(std::shared_ptr<Core> core, std::string_view name, const Binding& binding)
      : core_(std::move(core)),
        name_(name),
        ns_(binding.ns),
        periods_(binding.periods),
        name_hash_(core_->hash_of(ns_, name_)) {
    Errc code = core_->check(name_, ns_);
    if (code == Errc::ok && core_->closed()) code = core_->refusal();
    if (code != Errc::ok) {
      detail::raise(*core_, code, "handle", name_, {.ns = ns_});
    }
  }
  ~Handle() { let_go(); }
  Handle(Handle&& other) noexcept
      : core_(std::move(other.core_)),
        name_(std::move(other.name_)),
        ns_(std::move(other.ns_)),
        periods_(other.periods_),
        name_hash_(other.name_hash_),
        until_(other.until_),
        from_(other.from_),
        entries_(other.entries_),
        count_(std::exchange(other.count_, 0)),
        left_out_(other.left_out_) {}
  Handle& operator=(Handle&&) = delete;

  /// Adds to every period, or to none. Throws and Progress: as Counter::increment.
  void increment(Count delta = 1, std::optional<Time> at = std::nullopt) {
    if (const Errc code = try_increment(delta, at); code != Errc::ok) {
      raise(code, delta, at);
    }
  }
  /// The same, downwards. Requires: delta is not the smallest 64-bit number.
  void decrement(Count delta = 1, std::optional<Time> at = std::nullopt) { increment(-delta, at); }

  /// The same as increment, with the error as a code. Throws: nothing. Progress: as Counter::increment.
  [[nodiscard]] Errc try_increment(Count delta = 1, std::optional<Time> at = std::nullopt) noexcept {
    if (!is_bound(at)) [[unlikely]] {
      if (const Errc code = bind(at); code != Errc::ok) return core_->refuse(code);
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
    if (count_ == 0) return false;
    if (periods_ == PeriodType::all) return true;
    const Time time = core_->time_of(at);
    return from_ <= time && time < until_ &&
           std::all_of(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(count_),
                       [this](const auto* entry) { return core_->keeps(entry->key().bucket); });
  }

  /// Makes them those.
  [[nodiscard, gnu::noinline]] Errc bind(const std::optional<Time>& at) noexcept {
    if (core_->closed()) return core_->refusal();
    let_go();
    try {
      if (periods_ == PeriodType::all) return pin(std::nullopt);  // whatever the time, of any year
      const Time time = core_->time_of(at);
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
    }
    return count_ != 0 || periods_.empty() ? Errc::ok : Errc::expired;
  }

  /// All buckets hold from the latest beginning to the earliest end.
  void remember_bounds(Time time) {
    from_ = until_ = Time{};
    bool first = true;
    for (const PeriodType type : periods_) {
      const Calendar::Segment segment = core_->calendar().segment(type, time);
      from_ = first ? segment.from : std::max(from_, segment.from);
      until_ = first ? segment.until : std::min(until_, segment.until);
      first = false;
    }
  }

  void let_go() noexcept {
    if (count_ > 0 && core_->forked()) count_ = 0;  // the parent's pins
    while (count_ > 0) core_->unpin(*entries_[--count_]);
  }

  std::shared_ptr<Core> core_;
  std::string name_;
  std::string ns_;
  Periods periods_;
  std::uint64_t name_hash_;
  Time until_{};
  Time from_{};
  std::array<typename Core::Entry*, detail::most_periods> entries_{};
  std::size_t count_ = 0;
  std::size_t left_out_ = 0;  // periods whose bucket is not kept
};

}  // namespace livecount::inline v0_1
