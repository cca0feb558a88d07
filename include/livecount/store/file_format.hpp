// SPDX-License-Identifier: BSL-1.0
//
// What is in the frames of a FileStore's files: FORMAT.md in code. detail/journal.hpp makes frames of it.
//
// A batch is written with the counts that it leads to, not with its changes: then it does no harm to read it
// twice, or to read it over counts that are already later.
//
// Threads: pure functions on values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../detail/journal.hpp"
#include "../record.hpp"

namespace livecount::inline v0_1::detail {

// The values reach the disk: never change one.
enum class FrameKind : std::uint8_t {
  settings = 1,
  batch = 2,       // journal only
  closed = 3,      // journal only: the store was closed here
  counters = 4,    // snapshot only
  ledger = 5,      // snapshot only
  quarantine = 6,  // snapshot only
  complete = 7,    // snapshot only
  horizon = 8,
};

/// The longest name and namespace that a file can hold.
inline constexpr std::size_t longest_in_file = 0xffff;

struct LedgerKey {
  WriterId writer{};
  std::uint32_t shard = 0;
  friend auto operator<=>(const LedgerKey&, const LedgerKey&) = default;
};
/// The last batch of a writer.
struct LedgerRow {
  std::uint64_t sequence = 0;
  std::uint64_t digest = 0;
  std::vector<std::size_t> quarantined{};  // positions in the batch
  std::uint32_t idle = 0;  // seconds for which open stores had not heard of the writer when it was written
  bool heard = false;      // of the writer, since the store was opened; not in a file
};
/// A change that would have taken a count out of its range.
struct Quarantined {
  Key key;
  Transform change;
  friend bool operator==(const Quarantined&, const Quarantined&) = default;
};

inline void put_short_bytes(std::string& out, std::string_view bytes) {
  put(out, static_cast<std::uint16_t>(bytes.size()));
  out.append(bytes);
}
[[nodiscard]] inline std::string_view take_short_bytes(ByteView& from) noexcept {
  return from.take_bytes(from.take<std::uint16_t>());
}

inline void put_settings(std::string& out, const Settings& settings) {
  put(out, static_cast<std::uint8_t>(FrameKind::settings));
  put(out, static_cast<std::uint8_t>(settings.week_start));
  put(out, static_cast<std::uint8_t>(settings.floor));
  put_short_bytes(out, settings.calendar);
}
inline void put_horizon(std::string& out, Bucket first) {
  put(out, static_cast<std::uint8_t>(FrameKind::horizon));
  put(out, static_cast<std::uint8_t>(first.type));
  put(out, first.start);
}
[[nodiscard]] inline Bucket take_horizon(ByteView& from) {
  const auto type = static_cast<PeriodType>(from.take<std::uint8_t>());
  return {type, from.take<std::int64_t>()};
}

[[nodiscard]] inline Settings take_settings(ByteView& from) {
  Settings settings;
  settings.week_start = static_cast<WeekStart>(from.take<std::uint8_t>() & 1U);
  settings.floor = static_cast<Floor>(from.take<std::uint8_t>() & 1U);
  settings.calendar = take_short_bytes(from);
  return settings;
}

inline void put_ledger_row(std::string& out, const LedgerKey& key, const LedgerRow& row) {
  out.append(reinterpret_cast<const char*>(key.writer.data()), key.writer.size());
  put(out, key.shard);
  put(out, row.sequence);
  put(out, row.digest);
  put(out, row.idle);
  put(out, static_cast<std::uint32_t>(row.quarantined.size()));
  for (const std::size_t position : row.quarantined) put(out, static_cast<std::uint32_t>(position));
}
[[nodiscard]] inline std::pair<LedgerKey, LedgerRow> take_ledger_row(ByteView& from) {
  std::pair<LedgerKey, LedgerRow> result;
  auto& [key, row] = result;
  from.take_bytes(key.writer.size()).copy(reinterpret_cast<char*>(key.writer.data()), key.writer.size());
  key.shard = from.take<std::uint32_t>();
  row.sequence = from.take<std::uint64_t>();
  row.digest = from.take<std::uint64_t>();
  row.idle = from.take<std::uint32_t>();
  for (auto left = from.take<std::uint32_t>(); left > 0 && from.sound(); --left) {
    row.quarantined.push_back(from.take<std::uint32_t>());
  }
  return result;
}

inline void put_quarantined(std::string& out, const KeyView& key, const Transform& change) {
  put_short_bytes(out, key.ns);
  put(out, static_cast<std::uint8_t>(key.bucket.type));
  put(out, key.bucket.start);
  put_short_bytes(out, key.name);
  put(out, change.sum);
  put(out, change.low);
}
[[nodiscard]] inline Quarantined take_quarantined(ByteView& from) {
  Quarantined result;
  result.key.ns = take_short_bytes(from);
  result.key.bucket.type = static_cast<PeriodType>(from.take<std::uint8_t>());
  result.key.bucket.start = from.take<std::int64_t>();
  result.key.name = take_short_bytes(from);
  result.change.sum = from.take<Count>();
  result.change.low = from.take<Count>();
  return result;
}

/// Counters that follow each other in one bucket of a namespace, under one heading.
class RunWriter {
 public:
  explicit RunWriter(std::string& out) noexcept : out_(&out) {}

  /// `same_run`: the counter is of the namespace and bucket of the one before it.
  void add(bool same_run, std::string_view ns, Bucket bucket, std::string_view name, Count count) {
    if (!same_run || heading_ == 0) {
      heading_ = out_->size();
      in_run_ = 0;
      put<std::uint32_t>(*out_, 0);
      put(*out_, static_cast<std::uint8_t>(bucket.type));
      put(*out_, bucket.start);
      put_short_bytes(*out_, ns);
    }
    store_number(out_->data() + heading_, ++in_run_);
    put(*out_, count);
    put_short_bytes(*out_, name);
  }

 private:
  std::string* out_;
  std::size_t heading_ = 0;  // where the run begins; never 0, as a frame has a header
  std::uint32_t in_run_ = 0;
};

struct RunHeading {
  std::uint32_t counters = 0;
  Bucket bucket;
  std::string_view ns;
};
[[nodiscard]] inline RunHeading take_run_heading(ByteView& from) noexcept {
  RunHeading run;
  run.counters = from.take<std::uint32_t>();
  run.bucket.type = static_cast<PeriodType>(from.take<std::uint8_t>());
  run.bucket.start = from.take<std::int64_t>();
  run.ns = take_short_bytes(from);
  return run;
}

}  // namespace livecount::inline v0_1::detail
