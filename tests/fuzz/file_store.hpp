// SPDX-License-Identifier: BSL-1.0
// A FileStore whose files are an input. Frames can be made of payloads, with sound checksums, so that what is in them is
// read; and files can be taken as they are.
#pragma once

#include <livecount/store/file_store.hpp>
#include <livecount/testing/memory_file_system.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "fuzz/fuzz.hpp"

namespace livecount::tests {

using FuzzedStore = BasicFileStore<testing::MemoryFileSystem>;
inline constexpr detail::Chain first_frame{4711, 1, 0};

/// A file of frames with these payloads: a length and as many bytes, again and again.
[[nodiscard]] inline std::string file_of(detail::FileKind kind, Bytes payloads) {
  detail::Chain chain = first_frame;
  std::string file = detail::file_header(kind, chain);
  while (!payloads.empty()) {
    std::string frame;
    detail::begin_frame(frame);
    frame += payloads.take(payloads.number());
    chain.take(detail::seal_frame(frame, chain));
    file += frame;
  }
  return file;
}

/// A snapshot of nothing, and a journal without frames, that belong together.
[[nodiscard]] inline std::string empty_snapshot() {
  std::string complete(1, static_cast<char>(detail::FrameKind::complete));
  detail::put(complete, first_frame.sequence);
  detail::put<std::uint64_t>(complete, 0);
  return file_of(detail::FileKind::snapshot, Bytes(static_cast<char>(complete.size()) + complete));
}

inline void write_file(const testing::MemoryFileSystem& files, const std::string& path,
                       std::string_view bytes) {
  auto file = files.open(path, detail::FileAccess::make_empty);
  file.write(0, bytes);
  file.sync();
  files.sync_folder_of(path);
}

[[nodiscard]] inline std::map<Key, Count> counts_of(const FuzzedStore& store) {
  std::map<Key, Count> counts;
  const auto snapshot = store.snapshot();
  for (const std::string& ns : snapshot.namespaces()) {
    for (const PeriodType type : Periods::every()) {
      snapshot.scan({ns, type}, [&](const KeyView& key, Count count) {
        require(in_range(count), "a count is in its range");
        counts[{std::string(key.ns), key.bucket, std::string(key.name)}] = count;
        return true;
      });
    }
  }
  return counts;
}

/// Opens what is there, counts, closes and opens again. `salvage`: then whatever the damage is.
inline void open_and_count(const std::shared_ptr<testing::MemoryDisk>& disk, bool salvage) {
  FuzzedStore::Options options;
  options.path = "/counts";
  options.compact_bytes = never_compact;
  options.on_damage = salvage ? OnDamage::salvage : OnDamage::refuse;
  options.file_system = testing::MemoryFileSystem(disk);
  std::map<Key, Count> counts;
  try {
    FuzzedStore store(options);
    counts = counts_of(store);
    const Record record{{"fuzz", {PeriodType::all, 0}, "counted"}, {1, no_floor}};
    const WriterId writer{1, 2, 3};
    std::uint64_t last = store.snapshot().applied(writer, 0);
    if (last == UINT64_MAX) last = 0;
    const ApplyResult result = store.apply(Batch{writer, 0, last + 1, {&record, 1}});
    require(result.outcome != Outcome::unknown, "the answer is clear");
    counts = counts_of(store);
    if (last % 2 == 0) store.compact();
  } catch (const Error& error) {
    const Errc code = error.code();
    require(code == Errc::corrupt || code == Errc::not_livecount || code == Errc::version_too_new,
            "files are refused for what is in them");
    require(code != Errc::corrupt || !salvage, "damage can be passed over");
    return;
  }
  const FuzzedStore again(options);
  require(counts_of(again) == counts, "what was counted is there when it is opened again");
  require(again.recovered().closed && again.recovered().damage.empty(), "what was closed is sound");
}

}  // namespace livecount::tests
