// SPDX-License-Identifier: BSL-1.0
//
// Metrics for Prometheus: a few chosen counters, and how the counter itself is doing. A server would send the text on
// its page /metrics; this one prints it.
#include <livecount/prometheus.hpp>
#include <livecount/sqlite.hpp>

#include <iostream>
#include <string>
#include <string_view>
#include <vector>

int main() {
  using namespace livecount;
  using enum PeriodType;

  FastCounter<SqliteStore> hits{{.store = {.path = "metrics.db"}}};
  hits.increment("/index.html", {.periods = day | all, .ns = "site"});
  hits.increment("/a \"b\\c\"\n", {.periods = day | all, .ns = "site", .delta = 2});

  PrometheusText text;
  text.add_counts(hits,
                  {.metric = "site_views_total",
                   .help = "Views since the beginning, by page.",
                   .label = "page",
                   .lookup = {.ns = "site"},
                   .type = PrometheusType::counter},
                  {"/index.html", "/never.html"});

  // The three pages that are viewed most today: few, however many pages there are.
  std::vector<NamedCount> best = hits.top({.period = day, .ns = "site", .limit = 3});
  text.begin_metric("site_views_today", PrometheusType::gauge, "Views today, of the pages viewed most.");
  for (const NamedCount& row : best) text.add({{"page", row.name}}, row.count);

  text.add_statistics(hits.stats(), hits.oldest_pending_age());
  std::cout << text.str();
}
