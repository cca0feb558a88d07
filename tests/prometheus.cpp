// SPDX-License-Identifier: BSL-1.0
// The text that Prometheus reads: a strict reader written from the description of the format finds in it what was put
// in. promtool, where it is, judges the output of examples/metrics.cpp.
#include <livecount/prometheus.hpp>

#include <livecount/livecount.hpp>

#include <cctype>
#include <chrono>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"

namespace {

using namespace livecount;

/// Reads the format 0.0.4, and fails for whatever it does not allow.
class StrictReader {
 public:
  struct Metric {
    std::string type, help;
    std::map<std::map<std::string, std::string>, std::string> samples;
  };
  std::map<std::string, Metric> metrics;

  explicit StrictReader(std::string_view text) : rest_(text) {
    REQUIRE((text.empty() || text.back() == '\n'));
    std::string current;
    while (!rest_.empty()) {
      if (rest_.substr(0, 7) == "# HELP ") {
        take("# HELP ");
        current = name(true);
        REQUIRE(metrics.count(current) == 0);
        take(" ");
        metrics[current].help = unescaped('\n', false);
        take("# TYPE " + current + " ");
        metrics[current].type = until('\n');
        REQUIRE((metrics[current].type == "counter" || metrics[current].type == "gauge"));
        continue;
      }
      REQUIRE(name(true) == current);
      std::map<std::string, std::string> labels;
      if (rest_[0] == '{') {
        do {
          rest_.remove_prefix(1);
          const std::string label = name(false);
          take("=\"");
          REQUIRE(labels.emplace(label, unescaped('"', true)).second);
        } while (rest_[0] == ',');
        take("}");
      }
      take(" ");
      REQUIRE(metrics[current].samples.emplace(labels, until('\n')).second);
    }
  }

 private:
  void take(const std::string& wanted) {
    REQUIRE(rest_.substr(0, wanted.size()) == wanted);
    rest_.remove_prefix(wanted.size());
  }
  std::string until(char end) {
    const std::size_t size = rest_.find(end);
    REQUIRE(size != std::string_view::npos);
    const std::string text(rest_.substr(0, size));
    rest_.remove_prefix(size + 1);
    return text;
  }
  std::string name(bool colons) {
    std::size_t size = 0;
    while (std::isalnum(static_cast<unsigned char>(rest_[size])) != 0 || rest_[size] == '_' ||
           (colons && rest_[size] == ':')) {
      ++size;
    }
    REQUIRE((size > 0 && std::isdigit(static_cast<unsigned char>(rest_[0])) == 0));
    const std::string text(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return text;
  }
  std::string unescaped(char end, bool quotes) {
    std::string text;
    for (; rest_[0] != end; rest_.remove_prefix(1)) {
      REQUIRE(rest_[0] != '\n');
      if (rest_[0] != '\\') {
        text += rest_[0];
        continue;
      }
      rest_.remove_prefix(1);
      REQUIRE((rest_[0] == '\\' || rest_[0] == 'n' || (quotes && rest_[0] == '"')));
      text += rest_[0] == 'n' ? '\n' : rest_[0];
    }
    rest_.remove_prefix(1);
    return text;
  }

  std::string_view rest_;
};

Errc refusal_of_metric(std::string_view name) {
  PrometheusText text;
  try {
    text.begin_metric(name, PrometheusType::gauge, "");
  } catch (const Error& error) {
    CHECK(text.str().empty());
    return error.code();
  }
  return Errc::ok;
}

Errc refusal_of_sample(PrometheusText& text, PrometheusText::Labels labels) {
  const std::string before = text.str();
  try {
    text.add(labels, std::int64_t{1});
  } catch (const Error& error) {
    CHECK(text.str() == before);
    return error.code();
  }
  return Errc::ok;
}

TEST_CASE("the text is what the format describes, byte for byte") {
  PrometheusText text;
  CHECK(text.str().empty());
  text.begin_metric("page_views", PrometheusType::gauge, "Views: a \\ and \"quotes\"\nin two lines.");
  text.add({{"page", "a\\b\"c\nd"}, {"zone", ""}}, std::int64_t{-3});
  text.add({}, 0.25);
  text.begin_metric("n:total", PrometheusType::counter, "");
  text.add({}, std::uint64_t{18'446'744'073'709'551'615U});
  CHECK(text.str() ==
        "# HELP page_views Views: a \\\\ and \"quotes\"\\nin two lines.\n"
        "# TYPE page_views gauge\n"
        "page_views{page=\"a\\\\b\\\"c\\nd\",zone=\"\"} -3\n"
        "page_views 0.25\n"
        "# HELP n:total \n"
        "# TYPE n:total counter\n"
        "n:total 18446744073709551615\n");
}

TEST_CASE("numbers that are none have names") {
  PrometheusText text;
  text.begin_metric("x", PrometheusType::gauge, "");
  text.add({{"a", "1"}}, std::numeric_limits<double>::infinity());
  text.add({{"a", "2"}}, -std::numeric_limits<double>::infinity());
  text.add({{"a", "3"}}, std::numeric_limits<double>::quiet_NaN());
  text.add({{"a", "4"}}, 1e300);
  const StrictReader read(text.str());
  const auto& samples = read.metrics.at("x").samples;
  CHECK(samples.at({{"a", "1"}}) == "+Inf");
  CHECK(samples.at({{"a", "2"}}) == "-Inf");
  CHECK(samples.at({{"a", "3"}}) == "NaN");
  CHECK(samples.at({{"a", "4"}}) == "1e+300");
}

TEST_CASE("a value of a label is any bytes; what is not UTF-8 is shown") {
  PrometheusText text;
  text.begin_metric("x", PrometheusType::gauge, "");
  text.add({{"n", "\xC3\xA4\xFF\xE2\x82"}},
           std::int64_t{1});  // an a with dots; a byte that is none; a cut character
  std::string every;
  for (int c = 0; c < 128; ++c) every += static_cast<char>(c);
  text.add({{"n", every}}, std::int64_t{2});
  const StrictReader read(text.str());
  const auto& samples = read.metrics.at("x").samples;
  CHECK(samples.count({{"n", "\xC3\xA4\\xff\\xe2\\x82"}}) == 1);
  CHECK(samples.count({{"n", every}}) == 1);
}

TEST_CASE("what Prometheus would refuse is refused, and leaves no trace") {
  for (const char* const name : {"", "1a", "a-b", "a b", "\xC3\xA4", "a\n", "a{"}) {
    CHECK(refusal_of_metric(name) == Errc::invalid_option);
  }
  CHECK(refusal_of_metric(":a_1") == Errc::ok);

  PrometheusText text;
  text.begin_metric("x", PrometheusType::gauge, "");
  for (const char* const label : {"", "1a", "a:b", "__name__", "a-b", "a\""}) {
    CHECK(refusal_of_sample(text, {{label, "v"}}) == Errc::invalid_option);
  }
  CHECK(refusal_of_sample(text, {{"a", "v"}}) == Errc::ok);
  CHECK(refusal_of_sample(text, {{"a", "v"}}) == Errc::invalid_option);
  CHECK(refusal_of_sample(text, {}) == Errc::ok);
  CHECK_THROWS_AS(text.begin_metric("x", PrometheusType::gauge, ""), Error);
  text.begin_metric("y", PrometheusType::gauge, "");
  CHECK(refusal_of_sample(text, {{"a", "v"}}) == Errc::ok);
}

TEST_CASE("chosen counters, with what is not yet written") {
  Counter<LruCache, MemoryStore, ManualQueue> hits;
  const Lookup site{.ns = "site"};
  hits.increment("a\"b", {.ns = "site", .delta = 5});
  hits.increment("zero", {.ns = "site", .delta = 0});
  hits.increment("other", {.delta = 7});
  PrometheusText text;
  text.add_counts(hits,
                  {.metric = "views_total",
                   .help = "Views.",
                   .label = "page",
                   .lookup = site,
                   .type = PrometheusType::counter},
                  {"a\"b", "zero", "other", "never"});
  const StrictReader read(text.str());
  CHECK(read.metrics.at("views_total").type == "counter");
  CHECK(read.metrics.at("views_total").help == "Views.");
  CHECK(read.metrics.at("views_total").samples == std::map<std::map<std::string, std::string>, std::string>{
                                                      {{{"page", "a\"b"}}, "5"}, {{{"page", "zero"}}, "0"}});
}

TEST_CASE("a Counter's statistics") {
  Counter<LruCache, MemoryStore, ManualQueue> hits;
  hits.increment("a", {.delta = 5});
  hits.increment("b", {.delta = 2});
  hits.flush();
  hits.increment("a", {.delta = 3});
  CHECK(hits.try_increment("a", {.delta = max_count + 1}) == Errc::delta_out_of_range);
  PrometheusText text;
  text.add_statistics(hits.stats(), std::chrono::milliseconds(1500));
  StrictReader read(text.str());
  const auto value = [&](const std::string& metric, const std::map<std::string, std::string>& labels = {}) {
    return read.metrics.at(metric).samples.at(labels);
  };
  CHECK(value("livecount_updates_total", {{"result", "accepted"}}) == "3");
  CHECK(value("livecount_updates_total", {{"result", "refused"}}) == "1");
  CHECK(value("livecount_deltas", {{"state", "accepted"}}) == "10");
  CHECK(value("livecount_deltas", {{"state", "stored"}}) == "7");
  CHECK(value("livecount_deltas", {{"state", "unflushed"}}) == "3");
  CHECK(value("livecount_pending_entries") == "1");
  CHECK(value("livecount_oldest_pending_seconds") == "1.5");
  CHECK(value("livecount_batches_total") == "1");
  CHECK(value("livecount_records_total") == "2");
  CHECK(value("livecount_cache_entries") == "2");
  CHECK(value("livecount_write_failing") == "0");
  for (const auto& [name, metric] : read.metrics) {
    CHECK_FALSE(metric.help.empty());
    CHECK((metric.type == "counter") == (name.size() > 6 && name.substr(name.size() - 6) == "_total"));
  }
}

}  // namespace
