// SPDX-License-Identifier: BSL-1.0
// The journal of a FileStore as an open file, and whether what was written to it can be relied upon.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>

#include "../detail/journal.hpp"

namespace livecount::inline v0_1::detail {

/// Threads: under the writer's mutex, but for sync(), which any thread may call, and for reading the file.
template <class File>
class FileJournal {
 public:
  FileJournal(File opened, std::uint64_t whole, const Chain& next)
      : file(std::move(opened)), size(whole), chain(next) {}

  /// What was written is on the disk. The system tells an error of writing to one caller only; so here they take
  /// turns, and after one that failed all later ones fail. Throws: Error.
  void sync() {
    const std::lock_guard lock(sync_mutex_);
    if (sync_failed_) throw Error(Errc::store_unavailable, "an earlier sync of the journal has failed");
    sync_failed_ = true;
    file.sync();
    sync_failed_ = false;
  }

  /// After a write that failed: what is there of the frame must not stay in front of the next one.
  void take_back() noexcept {
    try {
      file.truncate(size);
      trusted = true;
    } catch (const std::exception&) {
      trusted = false;
    }
  }

  File file;
  std::uint64_t size;     // of what is whole
  Chain chain;            // where the next frame goes
  bool closed = false;    // the last frame says so
  bool unsynced = false;  // something was written since the last sync began
  bool trusted = true;    // no sync has failed, and what lies behind `size` is of no harm

 private:
  std::mutex sync_mutex_;     // taken after the writer's, or without it
  bool sync_failed_ = false;  // under sync_mutex_
};

template <class File>
void copy_bytes(const File& from, std::uint64_t begin, std::uint64_t end, File& to, std::uint64_t offset) {
  std::string bytes;
  while (begin < end) {
    bytes.resize(static_cast<std::size_t>(std::min<std::uint64_t>(end - begin, std::uint64_t{1} << 20)));
    if (from.read(begin, bytes.data(), bytes.size()) != bytes.size()) {
      throw Error(Errc::store_unavailable, "a file has become shorter while it was copied", "FileStore");
    }
    to.write(offset, bytes);
    begin += bytes.size();
    offset += bytes.size();
  }
}

}  // namespace livecount::inline v0_1::detail
