// SPDX-License-Identifier: BSL-1.0
// Three answers to "what may a crash cost?": a queue that writes through, a queue that writes behind, and
// being told.
#include <livecount/sqlite.hpp>

#include <chrono>
#include <iostream>

int main() {
  using namespace livecount;
  using namespace std::chrono_literals;

  // 1. Nothing: an update returns when it is in the store. It costs a commit each time.
  DurableCounter<SqliteStore> votes{{.store = {.path = "votes.db"}}};
  votes.increment("yes");
  const auto in_store = SqliteStore({.path = "votes.db", .read_only = true}).read({"default", {}, "yes"});
  std::cout << "votes in the database: " << in_store.value_or(0) << '\n';

  // 2. What was counted in the last 50 ms, on at most 1000 counters. An update costs about an atomic add. A store
  //    that does not answer is reported, asked again, and loses nothing; past the bound updates wait up to a second.
  FastCounter<SqliteStore> views{{.store = {.path = "views.db"},
                                  .queue = {.max_delay = 50ms},
                                  .max_pending = 1000,
                                  .when_full = Limit::block,
                                  .on_error = [](const Error& error) { std::cerr << error.what() << '\n'; }}};
  for (int i = 0; i < 100'000; ++i) views.increment("front page");
  std::cout << "counters not yet written: " << views.pending() << '\n';

  // 3. flush says when everything up to here is safe, close what could not be saved.
  views.flush();
  const CloseReport report = views.close(5s);
  std::cout << (report.clean ? "closed clean" : report.message) << '\n';
  return in_store == 1 && report.clean ? 0 : 1;
}
