// SPDX-License-Identifier: BSL-1.0
// The README's example.
#include <livecount/sqlite.hpp>

#include <iostream>

int main() {
  using namespace livecount;
  using enum PeriodType;

  Counter<LockFreeCache, SqliteStore, JthreadQueue> hits{{.store = {.path = "hits.db"}}};

  hits.increment("/index.html");                           // all time
  hits.increment("/index.html", {.periods = day | week});  // this day, and this week
  hits.increment("/a.html", {.periods = day, .ns = "starred", .delta = 2});

  auto views = hits.handle("/index.html", {.periods = day | week});  // the name is resolved once
  views.increment();

  std::cout << *hits.get("/index.html", {.period = day}) << '\n';  // 2, from memory: the first time
  std::cout << hits.get("/never.html").has_value() << '\n';        // 0: no such counter

  hits.flush();  // returns when all of it is in hits.db
}
