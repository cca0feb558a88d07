// SPDX-License-Identifier: BSL-1.0
// How a Counter answers questions about more than one counter: from a moment of store and memory.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core.hpp"
#include "questions.hpp"

namespace livecount::inline v0_1::detail {

template <class Core>
[[nodiscard]] Bucket bucket_of(Core& core, PeriodType period, const std::optional<Time>& at) {
  return period == PeriodType::all ? Bucket{period, 0} : core.calendar().bucket(period, core.time_of(at));
}

template <class Core>
[[nodiscard]] auto moment_of(Core& core, const Selection& selection) {
  return core.moment([&](const KeyView& key) { return selection.contains(key); });
}

template <class Core>
[[nodiscard]] std::vector<NamedCount> ask_top(Core& core, const Top& top) {
  const Bucket bucket = bucket_of(core, top.period, top.at);
  return moment_of(core, only(top.ns, bucket)).top(top.ns, bucket, top.limit);
}

/// Every bucket from one to another that holds an instant.
[[nodiscard]] inline std::vector<BucketCount> buckets_between(const Calendar& calendar, Bucket first,
                                                              Bucket last) {
  if (last.start < first.start) {
    throw Error(Errc::invalid_option,
                "range: `to` (" + to_scope(last) + ") is before `from` (" + to_scope(first) + ")", "range");
  }
  std::vector<BucketCount> buckets;
  for (Bucket bucket = first;; bucket = calendar.next(bucket)) {
    if (buckets.size() == max_range) {
      throw Error(Errc::invalid_option,
                  "range: more than " + std::to_string(max_range) + " buckets from " + to_scope(first) +
                      " to " + to_scope(last) + "; ask for a longer period type or a shorter time",
                  "range");
    }
    buckets.push_back({bucket, 0});
    if (bucket == last) return buckets;
  }
}

template <class Core>
[[nodiscard]] std::vector<BucketCount> counts_between(Core& core, std::string_view ns, std::string_view name,
                                                      Bucket first, Bucket last) {
  std::vector<BucketCount> counts = buckets_between(core.calendar(), first, last);
  const auto moment = core.moment([&](const KeyView& key) {
    return key.name == name && Selection{ns, first.type, first.start, last.start}.contains(key);
  });
  for (BucketCount& count : counts) count.count = moment.read({ns, count.bucket, name}).value_or(0);
  return counts;
}

template <class Core>
[[nodiscard]] std::vector<BucketCount> ask_range(Core& core, std::string_view name, const Range& range) {
  return counts_between(core, range.ns, name, bucket_of(core, range.period, range.from),
                        bucket_of(core, range.period, range.to));
}

/// Counts a second, over the last complete buckets.
template <class Core>
[[nodiscard]] double ask_rate(Core& core, std::string_view name, const Recent& recent) {
  if (recent.period == PeriodType::all || recent.buckets == 0 || recent.buckets > max_range) {
    throw Error(
        Errc::invalid_option,
        "rate: needs a period other than all, and 1 to " + std::to_string(max_range) + " buckets of it",
        "rate");
  }
  const Calendar& calendar = core.calendar();
  const Bucket last = calendar.previous(bucket_of(core, recent.period, recent.at));
  Bucket first = last;
  for (std::size_t i = 1; i < recent.buckets; ++i) first = calendar.previous(first);
  Count sum = 0;
  for (const BucketCount& count : counts_between(core, recent.ns, name, first, last)) sum += count.count;
  const auto length = calendar.bounds(last).until.seconds() - calendar.bounds(first).from.seconds();
  return static_cast<double>(sum) / static_cast<double>(length.count());
}

template <class Core>
[[nodiscard]] std::vector<std::string> ask_names(Core& core, const Names& names) {
  Selection selection{.ns = names.ns, .type = names.period, .prefix = names.prefix};
  if (names.at) selection = only(names.ns, bucket_of(core, names.period, names.at), names.prefix);
  return moment_of(core, selection).names(selection, names.after, names.limit);
}

template <class Core>
[[nodiscard]] Count ask_sum(Core& core, const Branch& branch) {
  const Selection selection = only(branch.ns, bucket_of(core, branch.period, branch.at), branch.prefix);
  const std::optional<Count> sum = moment_of(core, selection).sum(selection);
  if (sum) return *sum;
  throw Error(Errc::overflow, "sum: the counts under the prefix add up to more than 64 bits hold", "sum");
}

}  // namespace livecount::inline v0_1::detail
