// SPDX-License-Identifier: BSL-1.0
//
// How many rows a second does a drain write? A store on disk holds 1,000,000 names; so many of them, chosen at random,
// have changed, and are written by batches, each of them durable.
//
//   contender                        what it is
//   floor: append + fdatasync        the records of a batch in one write; nothing can be looked up
//   livecount                        flush() of the whole product into SqliteStore with its defaults
//   SQLite, plain prepared upserts   the naive rival: default settings, a transaction a batch
//   RocksDB, LMDB                    if their libraries are there
//
//   workload                         what is asked
//   batches of N                     so many rows in a batch; livecount's is its option max_batch
//   three folds                      livecount with a log (SqliteStore::Options::log_rows), until it has been folded three times;
//                                    200,000 rows each, once with --quick. The rival in batches of 1,000
#include "support/folder.hpp"
#include "support/livecount.hpp"
#include "support/measure.hpp"
#include "support/names.hpp"
#include "support/row_store.hpp"

namespace {

using namespace bench;

/// All names, in one transaction and sorted: the quick way to a large table.
void make_table(const std::string& database, std::span<const std::string_view> sorted) {
  livecount::SqliteStore store({.path = database, .synchronous = livecount::Synchronous::off});
  store.adopt({});
  std::vector<livecount::Record> records;
  for (const std::string_view name : sorted) {
    records.push_back(
        {{livecount::default_namespace, {livecount::PeriodType::all, 0}, name}, {1, livecount::no_floor}});
  }
  require(store.apply({{}, 0, 1, records}).outcome == livecount::Outcome::applied, "cannot fill " + database);
}

double seconds_of_flush(Counter& counter, std::span<const std::string_view> names) {
  for (const std::string_view name : names) counter.increment(name);
  const auto start = std::chrono::steady_clock::now();
  counter.flush();
  return seconds_since(start);
}

double livecount_seconds(const std::string& database, std::span<const std::string_view> names,
                         std::size_t batch) {
  Counter::Options options = write_later(database, 2 * names.size());
  options.max_batch = batch;
  Counter counter(options);
  return seconds_of_flush(counter, names);
}

double rival_seconds(RowStore& store, std::span<const std::string_view> names, std::size_t batch) {
  const auto start = std::chrono::steady_clock::now();
  for (; !names.empty(); names = names.subspan(std::min(batch, names.size()))) {
    store.add(names.first(std::min(batch, names.size())));
  }
  return seconds_since(start);
}

/// livecount counts under other names for each fold. The rival, whose rate stays the same, writes a tenth of them.
template <class Draw>
void three_folds(const Options& options, Report& report, const std::string& database, Draw draw,
                 const std::string& rival, RowStore& plain) {
  const auto fold = options.pick<std::size_t>(100, 200'000, 200'000);
  const int rounds = options.pick(1, 1, options.rounds);
  for (int round = 0; round < rounds; ++round) {
    Counter::Options logged = write_later(database, 6 * fold);
    logged.store.log_rows = fold;
    Counter counter(logged);
    double ours = 0, theirs = 0;
    for (int i = 0; i < 3; ++i) {
      const std::vector<std::string_view> rows = draw(fold);
      ours += seconds_of_flush(counter, rows);
      theirs += rival_seconds(plain, std::span(rows).first(fold / 10), 1000);
    }
    report.add("three folds", "livecount", 3 * static_cast<double>(fold) / ours, "rows/s");
    report.add("three folds", rival, 3 * static_cast<double>(fold / 10) / theirs, "rows/s");
  }
}

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv);
  Report report(options);
  const auto count = options.pick<std::size_t>(1000, 1'000'000, 1'000'000);
  const auto changed = options.pick<std::size_t>(200, 30'000, 200'000);

  const Folder folder;
  const SortedNames names(count);
  make_table(folder.file("hits.db"), names.all());
  std::vector<std::unique_ptr<RowStore>> stores;
  for (const RowStoreKind& kind : row_stores()) {
    stores.push_back(kind.make(folder.path()));
    stores.back()->add(names.all());
  }

  std::mt19937_64 random(1);
  const auto draw = [&](std::size_t size) {
    std::vector<std::string_view> rows;
    std::sample(names.all().begin(), names.all().end(), std::back_inserter(rows), size, random);
    std::shuffle(rows.begin(), rows.end(), random);
    return rows;
  };
  for (int round = 0; round < options.rounds; ++round) {
    for (const std::size_t batch : {1000U, 100U, 10'000U, 100'000U}) {
      if (batch > changed) continue;
      if (batch == 100 && round > 0) continue;  // takes long
      const std::string workload = "batches of " + std::to_string(batch);
      const std::vector<std::string_view> rows = draw(batch == 100 ? changed / 10 : changed);
      const auto rate = [&](double seconds) { return static_cast<double>(rows.size()) / seconds; };
      report.add(workload, "livecount", rate(livecount_seconds(folder.file("hits.db"), rows, batch)),
                 "rows/s");
      for (std::size_t i = 0; i < stores.size(); ++i) {
        report.add(workload, row_stores()[i].name, rate(rival_seconds(*stores[i], rows, batch)), "rows/s");
      }
    }
  }
  for (std::size_t i = 0; i < stores.size(); ++i) {
    const std::string& rival = row_stores()[i].name;
    if (rival.starts_with("SQLite"))
      three_folds(options, report, folder.file("hits.db"), draw, rival, *stores[i]);
  }
  report.print();
}
