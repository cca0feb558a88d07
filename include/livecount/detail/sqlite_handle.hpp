// SPDX-License-Identifier: BSL-1.0
// RAII for SQLite: connection, statement, transaction. The only file that includes sqlite3.h.
#pragma once

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <climits>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "../error.hpp"
#include "fork.hpp"

namespace livecount::inline v0_1::detail {

/// What SQLite said, as an Error: with the file, the operation and SQLite's own words.
class SqliteError : public Error {
 public:
  SqliteError(sqlite3* db, int code, const std::string& path, const std::string& doing)
      : Error(errc_of(code),
              path + ": " + doing + ": " + (db ? sqlite3_errmsg(db) : sqlite3_errstr(code)) +
                  " (SQLite code " + std::to_string(code) + ")",
              path) {}

 private:
  // Whatever may heal by waiting, by space or by permission is worth trying again.
  static Errc errc_of(int code) noexcept {
    switch (code & 0xff) {
      case SQLITE_NOTADB: return Errc::not_livecount;
      case SQLITE_CORRUPT: return Errc::corrupt;
      case SQLITE_MISMATCH:
      case SQLITE_CONSTRAINT:
      case SQLITE_ERROR: return Errc::store_failed;
      default: return Errc::store_unavailable;
    }
  }
};

/// SQLite knows the files and locks of its process, but not that this is a forked child: there it would take locks for
/// its own that are the parent's, and lose what it commits when the parent closes the file. (Seen with 3.40: the parent
/// removes the log that the child writes.) So a child of a process that had a connection gets none, and closes none.
class SqliteForks {
 public:
  static void require_none(const std::string& path) {
    if (!inherited_) return;
    throw Error(
        Errc::forked_child,
        path +
            ": this process was forked while SQLite had a database open, and SQLite cannot be used in such a "
            "process; fork before the first database is opened, or exec",
        path);
  }
  [[nodiscard]] static bool inherited() noexcept { return inherited_; }
  static void opened() noexcept { open_.fetch_add(1, std::memory_order_relaxed); }
  static void closed() noexcept { open_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  static void in_child(void*) noexcept {
    inherited_ = inherited_ || open_.load(std::memory_order_relaxed) != 0;
  }

  static inline constinit std::atomic<int> open_{0};  // connections
  static inline constinit bool inherited_ = false;    // written where there is one thread only
  static inline const ForkListener listener_{in_child, nullptr};
};

/// One thread at a time: SQLite's own locks are left out.
class SqliteConnection {
 public:
  SqliteConnection(const std::string& path, int flags, std::chrono::milliseconds busy_timeout)
      : path_(path),
        busy_timeout_(
            std::clamp(busy_timeout, std::chrono::milliseconds(0), std::chrono::milliseconds(INT_MAX))) {
    SqliteForks::require_none(path);
    SqliteForks::opened();  // before: a fork in between must not go unnoticed
    sqlite3* db = nullptr;
    const int code =
        sqlite3_open_v2(path.c_str(), &db, flags | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOMUTEX, nullptr);
    db_.reset(db);
    if (code != SQLITE_OK) throw SqliteError(db, code, path, "open");
    sqlite3_busy_timeout(db, static_cast<int>(busy_timeout_.count()));
  }

  void execute(const std::string& sql) {
    const int code = sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) fail(code, sql);
  }
  /// SQLite does not wait for others when it changes the mode of the journal, so this does.
  void use_write_ahead_log() {
    const auto deadline = std::chrono::steady_clock::now() + busy_timeout_;
    for (;;) {
      try {
        return execute("PRAGMA journal_mode = WAL");
      } catch (const Error& error) {
        if (error.code() != Errc::store_unavailable || std::chrono::steady_clock::now() >= deadline) throw;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  [[noreturn]] void fail(int code, const std::string& doing) {
    reads_only_ = reads_only_ || (code & 0xff) == SQLITE_READONLY;
    throw SqliteError(db_.get(), code, path_, doing.substr(0, doing.find('\n')));
  }

  [[nodiscard]] sqlite3* get() const noexcept { return db_.get(); }
  [[nodiscard]] bool in_transaction() const noexcept { return sqlite3_get_autocommit(db_.get()) == 0; }
  [[nodiscard]] std::int64_t changes() const noexcept { return sqlite3_changes64(db_.get()); }
  /// The rowid of the row that was inserted last.
  [[nodiscard]] std::int64_t last_row() const noexcept { return sqlite3_last_insert_rowid(db_.get()); }
  /// Whether it has turned out to be for reading only, and for as long as it lives: so SQLite opens a file that it cannot
  /// open for writing.
  [[nodiscard]] bool reads_only() const noexcept { return reads_only_; }
  /// Whether the file has been deleted, renamed or replaced underneath.
  [[nodiscard]] bool has_moved() const noexcept {
    int moved = 0;
    return sqlite3_file_control(db_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved != 0;
  }

 private:
  struct Close {
    void operator()(sqlite3* db) const noexcept {
      if (SqliteForks::inherited()) return;
      sqlite3_close_v2(db);
      SqliteForks::closed();
    }
  };
  std::unique_ptr<sqlite3, Close> db_;
  std::string path_;
  std::chrono::milliseconds busy_timeout_;
  bool reads_only_ = false;
};

class SqliteStatement {
 public:
  SqliteStatement(SqliteConnection& connection, const std::string& sql)
      : connection_(&connection), sql_(sql) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(connection.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    statement_.reset(statement);
    if (code != SQLITE_OK) connection.fail(code, sql);
  }

  /// The blob must live until the next reset.
  SqliteStatement& bind_blob(int index, std::string_view bytes) {
    // A null pointer would bind NULL, not an empty blob.
    check(sqlite3_bind_blob(statement_.get(), index, bytes.empty() ? "" : bytes.data(),
                            static_cast<int>(bytes.size()), SQLITE_STATIC));
    return *this;
  }
  /// As bind_blob.
  SqliteStatement& bind_text(int index, std::string_view text) {
    check(sqlite3_bind_text(statement_.get(), index, text.empty() ? "" : text.data(),
                            static_cast<int>(text.size()), SQLITE_STATIC));
    return *this;
  }
  SqliteStatement& bind(int index, std::int64_t value) {
    check(sqlite3_bind_int64(statement_.get(), index, value));
    return *this;
  }

  /// True if there is a row. Reset before it is run anew.
  bool step() {
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    reset();
    connection_->fail(code, sql_);
  }
  /// For statements without rows.
  void run() {
    step();
    reset();
  }
  void reset() noexcept { sqlite3_reset(statement_.get()); }
  /// Whether the tables of the database have changed between two runs, since this was asked last.
  [[nodiscard]] bool was_prepared_again() noexcept {
    return sqlite3_stmt_status(statement_.get(), SQLITE_STMTSTATUS_REPREPARE, 1) != 0;
  }

  [[nodiscard]] std::int64_t integer(int column) const noexcept {
    return sqlite3_column_int64(statement_.get(), column);
  }
  /// Bytes of a blob or text; valid until the next step or reset.
  [[nodiscard]] std::string_view bytes(int column) const noexcept {
    const void* const data = sqlite3_column_blob(statement_.get(), column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
    return data ? std::string_view(static_cast<const char*>(data), size) : std::string_view();
  }

 private:
  void check(int code) {
    if (code != SQLITE_OK) connection_->fail(code, sql_);
  }

  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept {
      if (!SqliteForks::inherited()) sqlite3_finalize(statement);
    }
  };
  SqliteConnection* connection_;
  std::string sql_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// Takes the write lock at once (a lock taken later, by upgrading, can fail without having waited), or with "BEGIN" none,
/// for who reads; rolled back unless it was committed.
class SqliteTransaction {
 public:
  explicit SqliteTransaction(SqliteConnection& connection, const char* begin = "BEGIN IMMEDIATE")
      : connection_(connection) {
    connection_.execute(begin);
  }
  ~SqliteTransaction() {
    // Some errors roll back by themselves.
    if (connection_.in_transaction()) sqlite3_exec(connection_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  SqliteTransaction(const SqliteTransaction&) = delete;
  SqliteTransaction& operator=(const SqliteTransaction&) = delete;

  /// Throws: then nobody knows whether it took effect.
  void commit() { connection_.execute("COMMIT"); }

 private:
  SqliteConnection& connection_;
};

}  // namespace livecount::inline v0_1::detail
