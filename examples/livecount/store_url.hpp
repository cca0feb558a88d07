// SPDX-License-Identifier: BSL-1.0
//
// Where counts live, as written on the command line: "sqlite:hits.db", "file:hits.journal". The one place that knows the kinds of
// stores.
#pragma once

#include <livecount/sqlite.hpp>
#include <livecount/zone.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace program {

/// The command line asks for something that cannot be.
class UsageError : public std::runtime_error {
  using runtime_error::runtime_error;
};

inline constexpr std::string_view known_stores = "sqlite:PATH or file:PATH";
inline constexpr const char* default_store = "sqlite:livecount.db";

/// "sqlite:hits.db", taken apart.
struct StoreUrl {
  std::string kind;
  std::string path;

  /// Throws: UsageError.
  explicit StoreUrl(const std::string& url)
      : kind(url.substr(0, url.find(':'))), path(url.substr(std::min(url.size(), kind.size() + 1))) {
    if ((kind == "sqlite" || kind == "file") && !path.empty()) return;
    throw UsageError("--store " + url + ": is not a store; write " + std::string(known_stores) +
                     ", for example sqlite:hits.db");
  }
};

/// One moment of a store of any kind: see QuestionStore. What is before its horizons has gone, though it may not yet have
/// been removed. Threads: one.
class Snapshot {
 public:
  template <class Kind>
  explicit Snapshot(const Kind& store)
      : kind_(store.snapshot()), horizons_(std::visit([](auto& kind) { return kind.horizons(); }, kind_)) {}

  [[nodiscard]] std::uint64_t applied(const livecount::WriterId& writer, std::uint32_t shard) const {
    return std::visit([&](auto& kind) { return kind.applied(writer, shard); }, kind_);
  }
  [[nodiscard]] std::optional<livecount::Count> read(const livecount::KeyView& key) const {
    if (!horizons_.keeps(key.bucket)) return std::nullopt;
    return std::visit([&](auto& kind) { return kind.read(key); }, kind_);
  }
  template <class F>
  void scan(const livecount::Selection& selection, F f) const {
    std::visit([&](auto& kind) { kind.scan(horizons_.kept(selection), f); }, kind_);
  }
  [[nodiscard]] std::vector<livecount::NamedCount> top(std::string_view ns, livecount::Bucket bucket,
                                                       std::size_t limit) const {
    if (!horizons_.keeps(bucket)) return {};
    return std::visit([&](auto& kind) { return kind.top(ns, bucket, limit); }, kind_);
  }
  [[nodiscard]] std::vector<std::string> names(const livecount::Selection& selection,
                                               std::optional<std::string_view> after,
                                               std::size_t limit) const {
    return std::visit([&](auto& kind) { return kind.names(horizons_.kept(selection), after, limit); }, kind_);
  }
  [[nodiscard]] std::vector<std::string> namespaces() const {
    return std::visit([](auto& kind) { return kind.namespaces(); }, kind_);
  }

 private:
  template <class Kind>
  using SnapshotOf = decltype(std::declval<const Kind&>().snapshot());
  std::variant<SnapshotOf<livecount::SqliteStore>, SnapshotOf<livecount::FileStore>> kind_;
  livecount::Horizons horizons_;
};

/// A store of any kind. Threads: as StorePolicy.
class Store {
 public:
  struct Options {
    std::string url = default_store;
    std::string synchronous = "full";
    bool read_only = false;  // for questions; the store must exist
    bool shut = false;       // see take_batches
    bool salvage = false;    // of files that are damaged read what is sound
  };
  using guarantee = livecount::exactly_once;
  static constexpr bool removes = true;

  explicit Store(const Options& options) : kind_(open(options)), shut_(options.shut) {}

  // ---- StorePolicy

  [[nodiscard]] std::optional<livecount::Count> read(const livecount::KeyView& key) {
    return std::visit([&](auto& store) { return store.read(key); }, kind_);
  }

  [[nodiscard]] livecount::ApplyResult apply(const livecount::Batch& batch) {
    if (shut_) return livecount::Outcome::applied;
    return std::visit([&](auto& store) { return store.apply(batch); }, kind_);
  }

  /// A batch that comes while the store is shut is dropped, and said to be applied: what a counter holds when
  /// it is given up, it forgets. Not beside apply.
  void take_batches(bool take) noexcept { shut_ = !take; }

  // ---- ExpiringStore

  [[nodiscard]] livecount::Horizons horizons() const {
    return std::visit([](auto& store) { return store.horizons(); }, kind_);
  }
  [[nodiscard]] bool expire(livecount::Bucket first, std::size_t most) {
    return std::visit([&](auto& store) { return store.expire(first, most); }, kind_);
  }

  // ---- SettingsStore, SharedStore

  void adopt(const livecount::Settings& settings) {
    std::visit([&](auto& store) { store.adopt(settings); }, kind_);
  }
  [[nodiscard]] std::uint64_t version() {
    return std::visit([](auto& store) { return version_of(store); }, kind_);
  }

  // ---- questions

  [[nodiscard]] livecount::Settings settings() const {
    return std::visit([](auto& store) { return store.settings(); }, kind_).value_or(livecount::Settings{});
  }
  [[nodiscard]] Snapshot snapshot() const {
    return std::visit([](auto& store) { return Snapshot(store); }, kind_);
  }
  void backup(const std::string& path) {
    std::visit([&](auto& store) { store.backup(path); }, kind_);
  }
  /// What is wrong with it as a whole, in sentences. A file store was read whole when it was opened.
  [[nodiscard]] std::vector<std::string> verify() const {
    if (const auto* database = std::get_if<livecount::SqliteStore>(&kind_)) return database->verify();
    return std::get<livecount::FileStore>(kind_).recovered().damage;
  }

 private:
  using Kind = std::variant<livecount::SqliteStore, livecount::FileStore>;

  [[nodiscard]] static Kind open(const Options& options) {
    const StoreUrl url(options.url);
    const std::string& word = options.synchronous;
    if (url.kind == "file") {
      using livecount::FileSync;
      return Kind(std::in_place_type<livecount::FileStore>,
                  livecount::FileStore::Options{.path = url.path,
                                                .sync = word == "off"      ? FileSync::never
                                                        : word == "normal" ? FileSync::interval
                                                                           : FileSync::every_batch,
                                                .read_only = options.read_only,
                                                .on_damage = options.salvage ? livecount::OnDamage::salvage
                                                                             : livecount::OnDamage::refuse});
    }
    using livecount::Synchronous;
    return Kind(std::in_place_type<livecount::SqliteStore>,
                livecount::SqliteStore::Options{.path = url.path,
                                                .synchronous = word == "off"      ? Synchronous::off
                                                               : word == "normal" ? Synchronous::normal
                                                                                  : Synchronous::full,
                                                .read_only = options.read_only});
  }

  template <class S>
  [[nodiscard]] static std::uint64_t version_of(S& store) {
    if constexpr (livecount::SharedStore<S>) return store.version();
    return 0;  // nobody else changes it
  }

  Kind kind_;
  bool shut_;
};

/// Where `count --resume` locks the inputs it is counting into this store, so that two processes do not count
/// one input at the same time; empty where only one process can open the store.
[[nodiscard]] inline std::string lock_path(const std::string& url) {
  const StoreUrl store(url);
  return store.kind == "sqlite" ? store.path + "-resume" : "";
}

/// How a counter is to be opened. What is not said is as the store was made, or the default for a new one.
struct StoreChoice {
  std::string url = default_store;
  std::string zone;
  std::string week_start;
  bool no_floor = false;
  std::string synchronous = "full";
};

/// Throws: Error, if there is no store.
inline void require_store(const std::string& url) {
  const std::string path = StoreUrl(url).path;
  if (std::filesystem::exists(path)) return;
  throw livecount::Error(livecount::Errc::store_unavailable,
                         "there is no store at " + path + " yet: livecount count and increment make one");
}

/// Lets `use(store, calendar)` read an existing store.
template <class Use>
auto ask_store(const std::string& url, Use use) {
  require_store(url);
  Store store({.url = url, .read_only = true});
  const livecount::Settings settings = store.settings();
  return use(store, livecount::parse_calendar(settings.calendar, settings.week_start));
}

/// What the store was made with; the defaults if there is none yet.
[[nodiscard]] inline livecount::Settings settings_of(const std::string& url) {
  if (!std::filesystem::exists(StoreUrl(url).path)) return {};
  try {
    return Store({.url = url, .read_only = true}).settings();
  } catch (const livecount::Error&) {
    // Whoever made it may have been killed half-way. Opening it to write makes the rest, or says what is wrong;
    // and other settings than those of the store are refused then.
    return {};
  }
}

/// The counter of the program: no locks in the cache, a thread that writes.
using Hits = livecount::Counter<livecount::LockFreeCache, Store, livecount::JthreadQueue>;

template <class Counter = Hits>
[[nodiscard]] typename Counter::Options counter_options(const StoreChoice& choice) {
  const livecount::Settings made = settings_of(choice.url);
  livecount::WeekStart week_start = made.week_start;
  if (choice.week_start == "monday") week_start = livecount::WeekStart::monday;
  if (choice.week_start == "sunday") week_start = livecount::WeekStart::sunday;

  typename Counter::Options options;
  options.store = {.url = choice.url, .synchronous = choice.synchronous};
  options.calendar = livecount::parse_calendar(choice.zone.empty() ? made.calendar : choice.zone, week_start);
  options.floor = choice.no_floor ? livecount::Floor::none : made.floor;
  options.when_full = livecount::Limit::flush;
  return options;
}

/// Writes all counts, however long that takes while the store takes them; gives up 10 s after it takes no
/// more.
template <class Counter>
[[nodiscard]] livecount::CloseReport write_and_close(Counter& hits) {
  try {
    hits.flush();
  } catch (const livecount::Error&) {  // close tries again, and tells
  }
  return hits.close(std::chrono::seconds(10));
}

/// The bucket that the `text` of an option means: its scope ("2015-05-18", "2015-05-18week"), or a date or a time that lies in
/// it.
[[nodiscard]] inline livecount::Bucket bucket_at(const std::string& option, const std::string& text,
                                                 livecount::PeriodType period,
                                                 const livecount::Calendar& calendar) {
  try {
    return livecount::parse_scope(period, text, calendar.week_start());
  } catch (const livecount::Error& error) {
    if (const auto time = livecount::try_parse_time(text, calendar)) return calendar.bucket(period, *time);
    throw UsageError(option + " " + text + ": is neither a time nor a date, and " + error.what());
  }
}

/// The bucket of which the `text` of an option is the scope, whatever its period.
[[nodiscard]] inline livecount::Bucket bucket_named(const std::string& option, const std::string& text,
                                                    const livecount::Calendar& calendar) {
  for (const livecount::PeriodType period : livecount::Periods::every()) {
    try {
      return livecount::parse_scope(period, text, calendar.week_start());
    } catch (const livecount::Error&) {  // perhaps of another period
    }
  }
  throw UsageError(option + " " + text +
                   ": is no bucket such as 2015-05-18 or 2015-05-11week; for a time say --period, too");
}

}  // namespace program
