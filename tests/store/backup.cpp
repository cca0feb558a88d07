// SPDX-License-Identifier: BSL-1.0
// Copies of stores that are being written: each is a store by itself, sound, and of one moment.
#include <livecount/store/file_store.hpp>
#include <livecount/store/sqlite_store.hpp>

#include <atomic>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <vector>

#include "store/writer.hpp"
#include "support/catch.hpp"

namespace {

using namespace livecount;
using namespace livecount::tests;

template <class Store>
constexpr bool is_file = std::is_same_v<Store, FileStore>;

/// As the store's place says, but so that a FileStore compacts all the time.
template <class Store>
typename Store::Options restless(typename Store::Options options) {
  if constexpr (is_file<Store>) options.compact_bytes = 4096;
  return options;
}

template <class Store>
Error refusal_of_backup(Store& store, const std::string& path) {
  try {
    store.backup(path);
  } catch (const Error& error) {
    return error;
  }
  return {Errc::ok, "made"};
}

std::vector<Record> plus_one(const std::vector<std::string>& names) {
  std::vector<Record> records;
  for (const std::string& name : names) records.push_back(plus(name, 1));
  return records;
}

TEMPLATE_TEST_CASE("a backup is a store by itself", "", SqliteStore, LoggedSqliteStore, FileStore) {
  StorePlace<TestType> place;
  const TemporaryDirectory other;
  const std::string path = (other.path() / "backup").string();
  {
    TestType store(place.options());
    const Settings settings{"CET-1CEST,M3.5.0,M10.5.0/3", WeekStart::sunday, Floor::none};
    store.adopt(settings);
    Writer writer(1);
    CHECK(is_applied(writer.send(store, {plus("a", 5), plus("b", -7), {{"", day, "\xFF"}, {1, 0}}})));
    CHECK(writer.send(store, {plus("most", max_count)}).quarantined.empty());
    CHECK(writer.send(store, {plus("a", 1), plus("most", 1)}).quarantined.size() == 1);

    const bool compacted = GENERATE(false, true);
    if constexpr (is_file<TestType>) {
      if (compacted) store.compact();
    }
    CHECK(is_applied(writer.send(store, {plus("a", 10)})));
    store.backup(path);
    CHECK(is_applied(writer.send(store, {plus("a", 100)})));

    typename TestType::Options options = place.options();
    options.path = path;
    TestType copy(options);
    CHECK(copy.settings() == settings);
    CHECK(copy.read(named("a")) == 16);
    CHECK(copy.read(named("b")) == -7);
    CHECK(copy.read({"", day, "\xFF"}) == 1);
    CHECK(copy.read(named("most")) == max_count);
    CHECK(store.read(named("a")) == 116);
    if constexpr (is_file<TestType>) {
      CHECK(copy.recovered().closed);
      CHECK(copy.quarantined().size() == 1);
    } else {
      CHECK(copy.verify().empty());
    }

    // The ledger is in the copy: a writer that goes on as if nothing had happened is refused; one that sends again
    // what the copy has is told so, and only what it lacks is applied.
    CHECK(is_refused(writer.send_as(copy, 6, {plus("a", 1)}), Errc::store_rolled_back));
    CHECK(is_refused(writer.send_as(copy, 4, {plus("a", 11)}), Errc::writer_duplicated));
    CHECK(is_applied(writer.send_as(copy, 4, {plus("a", 10)})));
    CHECK(copy.read(named("a")) == 16);
    CHECK(is_applied(writer.send_as(copy, 5, {plus("a", 1000)})));
    CHECK(copy.read(named("a")) == 1016);
    CHECK(store.read(named("a")) == 116);
  }
  // Nothing but the files of a store is left.
  for (const auto& entry : std::filesystem::directory_iterator(other.path())) {
    const std::string name = entry.path().filename().string();
    CHECK((name == "backup" || name == "backup.snapshot" || name == "backup.lock"));
  }
}

TEMPLATE_TEST_CASE("what is there is never replaced by a backup", "", SqliteStore, LoggedSqliteStore,
                   FileStore) {
  Opened<TestType> opened;
  Writer writer(1);
  CHECK(is_applied(writer.send(opened.store, {plus("a", 1)})));
  const TemporaryDirectory other;
  const std::string path = (other.path() / "backup").string();
  opened.store.backup(path);
  CHECK(refusal_of_backup(opened.store, path).code() == Errc::invalid_option);
  CHECK(refusal_of_backup(opened.store, opened.place.options().path).code() == Errc::invalid_option);
  const Error nowhere = refusal_of_backup(opened.store, (other.path() / "no" / "folder").string());
  CHECK(nowhere.code() == Errc::store_unavailable);
  CHECK(is_applied(writer.send(opened.store, {plus("a", 1)})));
  CHECK(opened.store.read(named("a")) == 2);
}

TEMPLATE_TEST_CASE("a store that is read only can be backed up beside its writer", "", SqliteStore,
                   FileStore) {
  Opened<TestType> opened;
  Writer writer(1);
  opened.store.adopt({});
  CHECK(is_applied(writer.send(opened.store, {plus("a", 3)})));
  const TemporaryDirectory other;
  const std::string path = (other.path() / "backup").string();
  typename TestType::Options options = opened.place.options();
  options.read_only = true;
  TestType reader(options);
  reader.backup(path);
  CHECK(is_applied(writer.send(opened.store, {plus("a", 3)})));

  options.path = path;
  TestType copy(options);
  CHECK(copy.read(named("a")) == 3);
  CHECK(copy.settings() == Settings{});
  options.read_only = false;
  TestType goes_on(options);
  CHECK(is_refused(writer.send_as(goes_on, 3, {plus("a", 1)}), Errc::store_rolled_back));
  CHECK(is_applied(writer.send_as(goes_on, 2, {plus("a", 1)})));
}

TEMPLATE_TEST_CASE("backups of a store under load are each of one moment", "", SqliteStore, LoggedSqliteStore,
                   FileStore) {
  StorePlace<TestType> place;
  TestType store(restless<TestType>(place.options()));
  std::vector<std::string> names;
  for (int i = 0; i < 50; ++i) names.push_back("name " + std::to_string(i));

  std::atomic<bool> stop{false};
  std::atomic<Count> acknowledged{0};
  std::atomic<bool> failed{false};
  std::thread counting([&] {
    Writer writer(1);
    const std::vector<Record> records = plus_one(names);
    while (!stop.load()) {
      if (!is_applied(writer.send(store, records))) failed = true;
      acknowledged = static_cast<Count>(writer.sequence);
    }
  });
  const TemporaryDirectory other;
  Count last = -1;
  for (int i = 0; i < 20; ++i) {
    const std::string path = (other.path() / std::to_string(i)).string();
    while (acknowledged.load() <= last) std::this_thread::yield();
    const Count before = acknowledged.load();
    store.backup(path);
    last = acknowledged.load();

    typename TestType::Options options = place.options();
    options.path = path;
    TestType copy(options);
    const Count count = copy.read(named(names[0])).value_or(0);
    CHECK(before <= count);
    CHECK(count <= last + 1);  // a batch may be there before it is acknowledged
    for (const std::string& name : names) CHECK(copy.read(named(name)).value_or(0) == count);
    CHECK(copy.snapshot().applied(Writer(1).id, 0) == static_cast<std::uint64_t>(count));
    if constexpr (is_file<TestType>) {
      CHECK(copy.recovered().torn_bytes == 0);
    } else {
      CHECK(copy.verify().empty());
    }
  }
  stop = true;
  counting.join();
  CHECK_FALSE(failed.load());
  CHECK(last > 0);
  if constexpr (is_file<TestType>) CHECK(store.status().compactions > 0);
}

}  // namespace
