// SPDX-License-Identifier: BSL-1.0
//
// Counts and a Counter's own statistics as metrics for Prometheus, in its text format 0.0.4. How they get onto a page
// that Prometheus reads is the program's affair:
//
//     PrometheusText text;
//     text.add_statistics(hits.stats(), hits.oldest_pending_age());
//     text.add_counts(hits, {.metric = "page_views", .help = "Views today, by page.", .label = "page",
//                            .lookup = {.period = PeriodType::day}},
//                     {"/index.html", "/about.html"});
//     respond(prometheus_content_type, text.str());
//
// Prometheus keeps a time series for each value of a label for as long as it remembers: give it a few chosen counters,
// never all names. A count in the bucket of a day begins anew every day; as a gauge (the default) that is no problem.
//
// Threads: a value.
#pragma once

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "counter/options.hpp"
#include "detail/quote.hpp"
#include "detail/utf8.hpp"
#include "error.hpp"
#include "version.hpp"

namespace livecount::inline v0_1 {

inline constexpr std::string_view prometheus_content_type = "text/plain; version=0.0.4; charset=utf-8";

enum class PrometheusType : std::uint8_t {
  gauge,    // may go up and down
  counter,  // only goes up, or begins anew at zero; by convention its name ends in _total
};

/// Chosen counters as one metric.
struct PrometheusCounts {
  std::string_view metric;
  std::string_view help{};
  std::string_view label = "name";  // has the counter's name as its value
  Lookup lookup{};
  PrometheusType type = PrometheusType::gauge;
};

class PrometheusText {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  /// Begins a metric; the samples that follow are its own. Throws: Error{invalid_option} for a name that is none
  /// ([a-zA-Z_:][a-zA-Z0-9_:]*), or one that was there before.
  void begin_metric(std::string_view name, PrometheusType type, std::string_view help) {
    if (!is_name(name, true)) refuse(name, "is no name of a metric ([a-zA-Z_:][a-zA-Z0-9_:]*)");
    if (!metrics_.emplace(name).second)
      refuse(name, "was there before; all samples of a metric stand together");
    metric_ = name;
    samples_.clear();
    text_.append("# HELP ").append(metric_) += ' ';
    append_escaped(help, false);
    text_.append("\n# TYPE ").append(metric_);
    text_ += type == PrometheusType::counter ? " counter\n" : " gauge\n";
  }

  /// A value of the metric. Bytes of a label's value that are not UTF-8, which Prometheus wants, are written as \xHH.
  /// Throws: Error{invalid_option} for a label's name that is none ([a-zA-Z_][a-zA-Z0-9_]*, not with __ before it), for
  /// labels that the metric had before. Requires: begin_metric.
  void add(Labels labels, std::int64_t value) { add_text(labels, std::to_string(value)); }
  void add(Labels labels, std::uint64_t value) { add_text(labels, std::to_string(value)); }
  void add(Labels labels, double value) {
    if (!std::isfinite(value))
      return add_text(labels, std::isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
    char digits[32];
    add_text(labels, {digits, std::to_chars(digits, digits + sizeof digits, value).ptr});
  }

  /// The counts of some names as one metric; a name that has no counter has no sample.
  /// Throws: as begin_metric, add and Counter::get.
  template <class Counter>
  void add_counts(Counter& counter, const PrometheusCounts& what, std::span<const std::string_view> names) {
    begin_metric(what.metric, what.type, what.help);
    for (const std::string_view name : names) {
      if (const auto count = counter.get(name, what.lookup)) add({{what.label, name}}, *count);
    }
  }
  template <class Counter>
  void add_counts(Counter& counter, const PrometheusCounts& what,
                  std::initializer_list<std::string_view> names) {
    add_counts(counter, what, std::span(names.begin(), names.size()));
  }

  /// What a Counter says of itself, as metrics that begin with livecount_. Of several Counters give each a text of its
  /// own, and a page of its own.
  void add_statistics(const Stats& stats, std::optional<std::chrono::nanoseconds> oldest_pending = {}) {
    using enum PrometheusType;
    begin_metric("livecount_build_info", gauge, "The version of the library; always 1.");
    add({{"version", LIVECOUNT_VERSION_STRING}}, std::int64_t{1});
    begin_metric("livecount_updates_total", counter, "Updates, by what became of them.");
    add({{"result", "accepted"}}, stats.accepted);
    add({{"result", "refused"}}, stats.refused);
    begin_metric("livecount_deltas", gauge, "Sums of the deltas of accepted updates, by where they are.");
    add({{"state", "accepted"}}, stats.accepted_sum);
    add({{"state", "stored"}}, stats.stored_sum);
    add({{"state", "in_flight"}}, stats.in_flight_sum);
    if (stats.unflushed_sum) add({{"state", "unflushed"}}, *stats.unflushed_sum);
    add({{"state", "quarantined"}}, stats.quarantined_sum);
    add({{"state", "expired"}}, stats.expired_sum);
    add({{"state", "discarded"}}, stats.discarded_sum);
    add_one("livecount_pending_entries", gauge, "Counters with changes that are not yet in the store.",
            stats.pending);
    begin_metric("livecount_oldest_pending_seconds", gauge,
                 "How long the oldest of these changes has been waiting.");
    add({}, std::chrono::duration<double>(oldest_pending.value_or(std::chrono::nanoseconds(0))).count());
    add_one("livecount_batches_total", counter, "Batches that the store has applied.", stats.batches);
    add_one("livecount_records_total", counter, "Records in them.", stats.records);
    add_one("livecount_write_failures_total", counter, "Attempts to write a batch that failed.",
            stats.failures);
    begin_metric("livecount_write_failing", gauge, "Whether the last attempt to write a batch failed.");
    add({}, std::int64_t{stats.error == Errc::ok ? 0 : 1});
    add_one("livecount_quarantined_records_total", counter, "Records that the store put aside.",
            stats.quarantined);
    add_one("livecount_late_changes_total", counter, "Changes of buckets that are not kept any more.",
            stats.late);
    add_one("livecount_overflowed_records_total", counter,
            "Records of names for which there was no room: they went to an overflow counter.",
            stats.overflowed);
    add_one("livecount_loads_total", counter, "Counts read from the store.", stats.loads);
    add_one("livecount_cache_entries", gauge, "Counters in memory.", stats.entries);
    add_one("livecount_cache_capacity_entries", gauge, "Counters that memory has room for.", stats.capacity);
    add_one("livecount_cache_insertions_total", counter, "Counters that came into memory.", stats.inserted);
    add_one("livecount_cache_evictions_total", counter, "Counters that left it.", stats.evicted);
  }

  /// All of it. Prometheus wants it under prometheus_content_type.
  [[nodiscard]] const std::string& str() const noexcept { return text_; }

 private:
  void add_one(std::string_view name, PrometheusType type, std::string_view help, std::uint64_t value) {
    begin_metric(name, type, help);
    add({}, value);
  }

  void add_text(Labels labels, std::string_view value) {
    const std::size_t begin = text_.size();
    text_ += metric_;
    char before = '{';
    for (const auto& [name, bytes] : labels) {
      if (!is_name(name, false) || name.substr(0, 2) == "__") {
        text_.resize(begin);
        refuse(name, "is no name of a label ([a-zA-Z_][a-zA-Z0-9_]*, not with __ before it)");
      }
      text_ += before;
      text_.append(name) += "=\"";
      append_escaped(bytes, true);
      text_ += '"';
      before = ',';
    }
    if (before == ',') text_ += '}';
    if (!samples_.insert(text_.substr(begin)).second) {
      const std::string sample = text_.substr(begin);
      text_.resize(begin);
      refuse(sample, "was there before");
    }
    text_ += ' ';
    text_.append(value) += '\n';
  }

  void append_escaped(std::string_view bytes, bool quoted) {
    while (!bytes.empty()) {
      const auto character = detail::first_utf8(bytes);
      const std::size_t size = character ? character->size : 1;
      if (!character) {
        static constexpr char digits[] = "0123456789abcdef";
        const auto byte = static_cast<unsigned char>(bytes[0]);
        text_ += "\\\\x";
        text_ += digits[byte >> 4];
        text_ += digits[byte & 15];
      } else if (bytes[0] == '\\') {
        text_ += "\\\\";
      } else if (bytes[0] == '\n') {
        text_ += "\\n";
      } else if (bytes[0] == '"' && quoted) {
        text_ += "\\\"";
      } else {
        text_.append(bytes.substr(0, size));
      }
      bytes.remove_prefix(size);
    }
  }

  [[nodiscard]] static bool is_name(std::string_view name, bool colons) noexcept {
    if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
    for (const char c : name) {
      const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
      if (!letter && !(c >= '0' && c <= '9') && !(colons && c == ':')) return false;
    }
    return true;
  }

  [[noreturn]] static void refuse(std::string_view what, const std::string& why) {
    throw Error(Errc::invalid_option, "PrometheusText: " + detail::quote(what) + " " + why, "PrometheusText");
  }

  std::string text_;
  std::string metric_;                            // the one that has begun
  std::set<std::string, std::less<>> metrics_;    // all that have
  std::set<std::string, std::less<>> samples_{};  // of this one, without values
};

}  // namespace livecount::inline v0_1
