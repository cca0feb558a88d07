// SPDX-License-Identifier: BSL-1.0
//
// The file system as FileStore sees it: every call of the operating system that the store makes, as one type.
//
// Production code runs on PosixFileSystem; tests put a file system of their own in its place, which fails or
// loses power where they say. What such a type has to offer is what PosixFileSystem offers; it is copied.
// An error of the operating system is thrown as Error{store_unavailable} with the path and the system's word
// for it; nothing is retried here but what a signal has interrupted.
//
// Threads: one PosixFileSystem from any thread. A File: sync() from any thread, beside one other call.
#pragma once

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../error.hpp"
#include "fork.hpp"

namespace livecount::inline v0_1::detail {

enum class FileAccess : std::uint8_t {
  read,        // for anybody's file
  write,       // the file must exist, and be nobody else's
  make,        // the same, but it is made if it does not exist
  make_empty,  // the same, and what it held is gone
};

class PosixFileSystem {
 public:
  class File {
   public:
    File(File&&) noexcept = default;
    File& operator=(File&&) = delete;

    [[nodiscard]] std::uint64_t size() const { return static_cast<std::uint64_t>(status().st_size); }

    /// Returns: how many bytes were read; fewer than `size` only at the end of the file.
    [[nodiscard]] std::size_t read(std::uint64_t offset, char* to, std::size_t size) const {
      std::size_t done = 0;
      while (done < size) {
        const ssize_t got = ::pread(number(), to + done, size - done, static_cast<off_t>(offset + done));
        if (got == 0) break;
        if (got > 0) {
          done += static_cast<std::size_t>(got);
        } else if (errno != EINTR) {
          fail("cannot read", path_);
        }
      }
      return done;
    }

    /// All of the bytes, or an error; then any part of them may be there.
    void write(std::uint64_t offset, std::string_view bytes) {
      while (!bytes.empty()) {
        const ssize_t done = ::pwrite(number(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (done < 0) {
          if (errno == EINTR) continue;
          fail("cannot write", path_);
        }
        bytes.remove_prefix(static_cast<std::size_t>(done));
        offset += static_cast<std::uint64_t>(done);
      }
    }

    void truncate(std::uint64_t size) {
      while (::ftruncate(number(), static_cast<off_t>(size)) != 0) {
        if (errno != EINTR) fail("cannot cut", path_);
      }
    }

    /// What was written is on the disk. After an error nothing is known of what was written since the last
    /// success: a second call may succeed without having written it.
    void sync() {
      if (::fdatasync(number()) != 0) fail("cannot sync", path_);
    }

    /// Keeps others from locking the file, in this process too, until it is closed. Returns: false if somebody
    /// else has locked it.
    [[nodiscard]] bool try_lock() {
      struct flock whole {};
      whole.l_type = F_WRLCK;
      whole.l_whence = SEEK_SET;
      if (::fcntl(number(), F_OFD_SETLK, &whole) == 0) return true;
      if (errno != EAGAIN && errno != EACCES) fail("cannot lock", path_);
      return false;
    }

    /// Whether the path still leads to this file.
    [[nodiscard]] bool is_at(const std::string& path) const {
      struct stat found {};
      if (::lstat(path.c_str(), &found) != 0) return false;
      return found.st_dev == device_ && found.st_ino == inode_;
    }

   private:
    friend PosixFileSystem;

    struct Descriptor {
      Descriptor() = default;
      ~Descriptor() { close(); }
      Descriptor(const Descriptor&) = delete;
      Descriptor& operator=(const Descriptor&) = delete;
      void close() noexcept {
        if (number >= 0) ::close(std::exchange(number, -1));
      }
      int number = -1;
    };

    /// Not yet open.
    explicit File(std::string path) : path_(std::move(path)) {}

    /// Returns: whether it is.
    [[nodiscard]] bool open(int flags) noexcept {
      do {
        descriptor_->number = ::open(path_.c_str(), flags | O_CLOEXEC, 0600);
      } while (number() < 0 && errno == EINTR);
      return number() >= 0;
    }

    /// A forked child has a descriptor of the same open file, and would keep it locked after its parent's end.
    void close_in_children() {
      in_children_ = std::make_unique<ForkListener>(
          [](void* descriptor) noexcept { static_cast<Descriptor*>(descriptor)->close(); },
          descriptor_.get());
    }

    [[nodiscard]] int number() const noexcept { return descriptor_->number; }

    [[nodiscard]] struct stat status() const {
      struct stat status {};
      if (::fstat(number(), &status) != 0) fail("cannot look at", path_);
      return status;
    }

    /// Also notes which file it is.
    [[nodiscard]] struct stat identify() {
      const struct stat found = status();
      device_ = found.st_dev;
      inode_ = found.st_ino;
      return found;
    }

    dev_t device_ = 0;
    ino_t inode_ = 0;
    std::unique_ptr<Descriptor> descriptor_ = std::make_unique<Descriptor>();
    std::unique_ptr<ForkListener> in_children_;
    std::string path_;
  };

  /// Follows no symbolic link. What is made is readable and writable for its owner alone.
  /// Throws: Error with unsafe_path, store_unavailable.
  [[nodiscard]] File open(const std::string& path, FileAccess access) const {
    int flags = O_NOFOLLOW | O_NONBLOCK;  // a pipe must not keep us waiting
    flags |= access == FileAccess::read ? O_RDONLY : O_RDWR;
    if (access >= FileAccess::make) flags |= O_CREAT;
    if (access != FileAccess::read) require_safe_folder(path);
    File file(path);
    if (!file.open(flags)) {
      if (errno == ELOOP) throw unsafe(path, "is a symbolic link; give the path of the file itself");
      if (errno == EISDIR) throw unsafe(path, "is a folder; give the path of a file");
      fail("cannot open", path);
    }
    if (access != FileAccess::read) file.close_in_children();
    require_safe(file, access);
    if (access == FileAccess::make_empty) file.truncate(0);
    return file;
  }

  [[nodiscard]] bool exists(const std::string& path) const {
    struct stat found {};
    if (::lstat(path.c_str(), &found) == 0) return true;
    if (errno != ENOENT) fail("cannot look at", path);
    return false;
  }

  void rename(const std::string& from, const std::string& to) const {
    if (::rename(from.c_str(), to.c_str()) != 0) fail("cannot rename to", to);
  }

  /// It need not exist.
  void remove(const std::string& path) const {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) fail("cannot remove", path);
  }

  /// What was made, renamed and removed beside the path is on the disk. Of an error: as File::sync.
  void sync_folder_of(const std::string& path) const {
    const std::string folder = folder_of(path);
    File file(folder);
    if (!file.open(O_RDONLY | O_DIRECTORY)) fail("cannot open", folder);
    if (::fsync(file.number()) != 0) fail("cannot sync", folder);
  }

  /// This process, for people: "process 4711 on web1 since 2026-11-25 21:40:07 UTC".
  [[nodiscard]] std::string describe_process() const {
    char host[256] = "an unnamed host";
    if (::gethostname(host, sizeof host) != 0) host[0] = '\0';
    host[sizeof host - 1] = '\0';
    const std::time_t now = std::time(nullptr);
    struct tm utc {};
    ::gmtime_r(&now, &utc);
    char since[32];
    const std::size_t size = std::strftime(since, sizeof since, "%Y-%m-%d %H:%M:%S UTC", &utc);
    return "process " + std::to_string(process()) + " on " + host + " since " + std::string(since, size);
  }

  /// A number that a forked child does not share.
  [[nodiscard]] std::int64_t process() const noexcept { return ::getpid(); }

 private:
  [[noreturn]] static void fail(const char* what, const std::string& path) {
    const int error = errno;
    throw Error(Errc::store_unavailable,
                std::string(what) + " " + path + ": " + std::generic_category().message(error), path);
  }
  [[nodiscard]] static Error unsafe(const std::string& path, const std::string& why) {
    return {Errc::unsafe_path, path + " " + why, path};
  }
  [[nodiscard]] static std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
  }

  static void require_safe(File& file, FileAccess access) {
    const struct stat status = file.identify();
    const std::string& path = file.path_;
    if (S_ISDIR(status.st_mode)) throw unsafe(path, "is a folder; give the path of a file");
    if (!S_ISREG(status.st_mode)) throw unsafe(path, "is no regular file");
    if (access == FileAccess::read) return;
    if (status.st_nlink > 1) {
      throw unsafe(path, "has " + std::to_string(status.st_nlink) + " names (hard links); it may have one");
    }
    if (status.st_uid != ::geteuid()) {
      throw unsafe(path, "belongs to user " + std::to_string(status.st_uid) +
                             ", and this process is of user " + std::to_string(::geteuid()) +
                             "; to read it, open it read_only");
    }
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
      throw unsafe(path, "can be written by others; chmod go-w makes it safe");
    }
  }

  /// Where anybody may rename, anybody may put another file in the place of ours.
  static void require_safe_folder(const std::string& path) {
    const std::string folder = folder_of(path);
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0) fail("cannot open", path);
    if ((status.st_mode & S_IWOTH) != 0 && (status.st_mode & S_ISVTX) == 0) {
      throw unsafe(path, "is in a folder that anybody may write to; chmod o-w or chmod +t makes it safe");
    }
  }
};

}  // namespace livecount::inline v0_1::detail
