// SPDX-License-Identifier: BSL-1.0
// Page views per hour and day, counted by several threads, and the tops of a day: what a web service would
// do.
#include <livecount/sqlite.hpp>

#include <array>
#include <iostream>
#include <string_view>
#include <thread>
#include <vector>

using livecount::PeriodType;

// Alias the composition once; nothing else in the program names a policy.
using PageViews =
    livecount::Counter<livecount::LockFreeCache, livecount::SqliteStore, livecount::JthreadQueue>;

namespace {

constexpr std::array<std::string_view, 4> pages{"/", "/news", "/about", "/contact"};

/// One request: the second page is asked for twice as often as the third, and so on.
void serve(PageViews& views, int request) {
  const std::string_view page = pages[static_cast<std::size_t>(request % 7 < 4   ? 0
                                                               : request % 7 < 6 ? 1
                                                                                 : 2)];
  views.increment(page, {.periods = PeriodType::hour | PeriodType::day, .ns = "path"});
}

}  // namespace

int main() {
  PageViews views{{.store = {.path = "views.db"}}};

  std::vector<std::jthread> workers;
  for (int worker = 0; worker < 4; ++worker) {
    workers.emplace_back([&views] {
      for (int request = 0; request < 7000; ++request) serve(views, request);
    });
  }
  workers.clear();  // joins

  // Today as the counter sees it. (Should midnight fall into this run, the counts are split over two days.)
  const livecount::Bucket today = views.calendar().bucket(PeriodType::day, livecount::CoarseClock().now());
  views.flush();
  livecount::Count sum = 0;
  for (const auto& [page, count] : views.store().top("path", today, 10)) {
    std::cout << count << '\t' << page << '\n';
    sum += count;
  }
  const livecount::Stats stats = views.stats();
  std::cout << stats.accepted << " requests became " << stats.records << " records in " << stats.batches
            << " batches\n";
  return sum == 28000 ? 0 : 1;
}
