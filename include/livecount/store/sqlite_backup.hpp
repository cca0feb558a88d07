// SPDX-License-Identifier: BSL-1.0
// A copy of an SQLite database that others write meanwhile.
#pragma once

#include <chrono>
#include <string>

#include "../detail/file_system.hpp"
#include "../detail/sqlite_handle.hpp"

namespace livecount::inline v0_1::detail {

/// All pages as of one moment, in one transaction that holds up no writer, to a file that does not exist. It comes into
/// its place when it is whole and on the disk. Throws: Error, then there is no such file.
inline void back_up_database(SqliteConnection& from, const std::string& to,
                             std::chrono::milliseconds busy_timeout) {
  const PosixFileSystem files;
  if (files.exists(to)) {
    throw Error(Errc::invalid_option, to + " exists; give a backup a path of its own", to);
  }
  const std::string partial = to + ".partial";
  const auto remove_partial = [&] {
    files.remove(partial);
    files.remove(partial + "-journal");
  };
  remove_partial();
  try {
    {
      SqliteConnection copy(partial, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, busy_timeout);
      copy.execute("PRAGMA synchronous = FULL");
      sqlite3_backup* const backup = sqlite3_backup_init(copy.get(), "main", from.get(), "main");
      if (backup == nullptr) copy.fail(sqlite3_errcode(copy.get()), "backup");
      const int stepped = sqlite3_backup_step(backup, -1);
      const int finished = sqlite3_backup_finish(backup);
      if (stepped != SQLITE_DONE) copy.fail(stepped, "backup");
      if (finished != SQLITE_OK) copy.fail(finished, "backup");
    }
    files.rename(partial, to);
    files.sync_folder_of(to);
  } catch (const Error&) {
    remove_partial();
    throw;
  }
}

}  // namespace livecount::inline v0_1::detail
