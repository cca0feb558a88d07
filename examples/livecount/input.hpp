// SPDX-License-Identifier: BSL-1.0
//
// Reads a file, plain or compressed by gzip or xz (told by the end of its name), or standard input ("-"), in
// large pieces. Files of several gzip or xz streams one after the other are read as one.
#pragma once

#include <fcntl.h>
#include <lzma.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "stop_signal.hpp"

namespace program {

/// A file that cannot be read, or is damaged.
class InputError : public std::runtime_error {
  using runtime_error::runtime_error;
};

/// The bytes of a file as they are.
class File {
 public:
  explicit File(const std::string& path)
      : path_(path), descriptor_(path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) throw InputError(path + ": cannot open it: " + std::strerror(errno));
    struct stat status {};
    if (::fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode))
      size_ = static_cast<std::uint64_t>(status.st_size);
    if (S_ISDIR(status.st_mode)) throw InputError(path + ": is a directory; name the files in it");
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor_ > STDIN_FILENO) ::close(descriptor_);
  }

  /// At least one byte; 0 at the end, or when the program was asked to stop.
  std::size_t read(void* into, std::size_t size) {
    while (!stop_requested()) {
      const ssize_t got = ::read(descriptor_, into, size);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw InputError(path_ + ": cannot read it: " + std::strerror(errno));
      position_ += static_cast<std::uint64_t>(got);
      return static_cast<std::size_t>(got);
    }
    return 0;
  }

  /// Whether nothing more comes for a while, as from a pipe whose writer is busy.
  [[nodiscard]] bool is_waiting() const {
    pollfd wanted{descriptor_, POLLIN, 0};
    return ::poll(&wanted, 1, 200) == 0;
  }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }
  /// 0 when it cannot be told, as of a pipe.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

 private:
  std::string path_;
  int descriptor_;
  std::uint64_t size_ = 0;
  std::uint64_t position_ = 0;
};

class Input {
 public:
  explicit Input(const std::string& path) : file_(path) {}
  virtual ~Input() = default;
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  /// At least one byte of text; 0 at the end, or when the program was asked to stop. Throws InputError.
  std::size_t read(char* into, std::size_t size) {
    if (put_back_.empty()) return decode(into, size);
    const std::size_t copied = put_back_.copy(into, size);
    put_back_.erase(0, copied);
    return copied;
  }
  /// Puts text that was read before what is still to be read.
  void put_back(std::string_view text) { put_back_.insert(0, text); }

  [[nodiscard]] const File& file() const noexcept { return file_; }

 protected:
  virtual std::size_t decode(char* into, std::size_t size) { return file_.read(into, size); }
  [[noreturn]] void fail(const char* what) const { throw InputError(file_.path() + ": " + what); }

  File file_;

 private:
  std::string put_back_;
};

/// What both decoders share: a buffer of compressed bytes, refilled when it is used up.
class CompressedInput : public Input {
 protected:
  using Input::Input;

  bool refill() {
    filled_ = file_.read(buffer_.data(), buffer_.size());
    return filled_ > 0;
  }

  std::vector<unsigned char> buffer_ = std::vector<unsigned char>(256 * 1024);
  std::size_t filled_ = 0;
};

class GzipInput : public CompressedInput {
 public:
  explicit GzipInput(const std::string& path) : CompressedInput(path) {
    if (inflateInit2(&stream_, 15 + 16) != Z_OK) fail("zlib cannot start");
  }
  ~GzipInput() override { inflateEnd(&stream_); }

  std::size_t decode(char* into, std::size_t size) override {
    stream_.next_out = reinterpret_cast<Bytef*>(into);
    stream_.avail_out = static_cast<uInt>(size);
    while (stream_.avail_out == size) {
      if (stream_.avail_in == 0) {
        if (!refill()) {
          if (within_stream_ && !stop_requested()) fail("the gzip data end too early");
          return 0;
        }
        stream_.next_in = buffer_.data();
        stream_.avail_in = static_cast<uInt>(filled_);
      }
      const int result = inflate(&stream_, Z_NO_FLUSH);
      within_stream_ = result != Z_STREAM_END;
      if (!within_stream_) inflateReset(&stream_);
      if (within_stream_ && result != Z_OK && result != Z_BUF_ERROR) fail("the gzip data are damaged");
    }
    return size - stream_.avail_out;
  }

 private:
  z_stream stream_{};
  bool within_stream_ = true;  // so that an empty file is refused
};

class XzInput : public CompressedInput {
 public:
  explicit XzInput(const std::string& path) : CompressedInput(path) {
    if (lzma_stream_decoder(&stream_, UINT64_MAX, LZMA_CONCATENATED) != LZMA_OK) fail("liblzma cannot start");
  }
  ~XzInput() override { lzma_end(&stream_); }

  std::size_t decode(char* into, std::size_t size) override {
    stream_.next_out = reinterpret_cast<std::uint8_t*>(into);
    stream_.avail_out = size;
    while (stream_.avail_out == size && !ended_) {
      lzma_action action = LZMA_RUN;
      if (stream_.avail_in == 0) {
        if (!refill()) action = LZMA_FINISH;
        if (stop_requested()) return 0;
        stream_.next_in = buffer_.data();
        stream_.avail_in = filled_;
      }
      const lzma_ret result = lzma_code(&stream_, action);
      ended_ = result == LZMA_STREAM_END;
      if (result == LZMA_BUF_ERROR) fail("the xz data end too early");
      if (result != LZMA_OK && !ended_) fail("the xz data are damaged");
    }
    return size - stream_.avail_out;
  }

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool ended_ = false;
};

[[nodiscard]] inline std::unique_ptr<Input> open_input(const std::string& path) {
  const std::string_view name = path;
  if (name.size() > 3 && name.substr(name.size() - 3) == ".gz") return std::make_unique<GzipInput>(path);
  if (name.size() > 3 && name.substr(name.size() - 3) == ".xz") return std::make_unique<XzInput>(path);
  return std::make_unique<Input>(path);
}

}  // namespace program
