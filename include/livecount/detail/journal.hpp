// SPDX-License-Identifier: BSL-1.0
//
// Files of frames: bytes, framed and checked so that a cut, a flipped bit or a frame that is missing is found.
//
// A file is a header and frames. Each frame has a number and the checksum of the frame before it; the header
// says with which number and checksum the first frame follows. The numbers go on from file to file, so that
// frames can be copied into a new file as they are. Checksums are XXH3-64 with a seed that the header names:
// it was drawn at random, so bytes that somebody has counted under are never taken for a frame.
// store/FORMAT.md has the widths, and an example. What is in a frame, the reader of frames does not know.
//
//     std::string frame;
//     begin_frame(frame);
//     put<std::uint32_t>(frame, 42);
//     chain.take(seal_frame(frame, chain));  // now write it
//
// Threads: all types are values; a FrameReader refers to a file that its owner keeps.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include "../error.hpp"
#include "hash.hpp"

namespace livecount::inline v0_1::detail {

// ---- Numbers: little endian, two's complement

template <class T>
void store_number(char* to, T value) noexcept {
  auto bits = static_cast<std::make_unsigned_t<T>>(value);
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(to, &bits, sizeof bits);
  } else {
    for (std::size_t i = 0; i < sizeof bits; ++i) to[i] = static_cast<char>(bits >> (8 * i) & 0xff);
  }
}

template <class T>
[[nodiscard]] T load_number(const char* from) noexcept {
  std::make_unsigned_t<T> bits = 0;
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(&bits, from, sizeof bits);
  } else {
    for (std::size_t i = sizeof bits; i-- > 0;) {
      bits = static_cast<decltype(bits)>(bits << 8U | static_cast<unsigned char>(from[i]));
    }
  }
  return static_cast<T>(bits);
}

template <class T>
void put(std::string& out, T value) {
  char bytes[sizeof(T)];
  store_number(bytes, value);
  out.append(bytes, sizeof bytes);
}

/// Takes numbers and bytes from the front. What is not there reads as zeros, and the view is then not sound.
class ByteView {
 public:
  explicit ByteView(std::string_view bytes) noexcept : bytes_(bytes) {}

  template <class T>
  [[nodiscard]] T take() noexcept {
    if (!has(sizeof(T))) return T{};
    const T value = load_number<T>(bytes_.data());
    bytes_.remove_prefix(sizeof(T));
    return value;
  }
  [[nodiscard]] std::string_view take_bytes(std::size_t size) noexcept {
    if (!has(size)) return {};
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] bool sound() const noexcept { return sound_; }
  /// What was taken makes no sense.
  void spoil() noexcept {
    bytes_ = {};
    sound_ = false;
  }

 private:
  [[nodiscard]] bool has(std::size_t size) noexcept {
    if (size <= bytes_.size()) return true;
    spoil();
    return false;
  }

  std::string_view bytes_;
  bool sound_ = true;
};

// ---- The chain of frames, and the header that begins it

/// Where the next frame goes.
struct Chain {
  std::uint64_t seed = 0;      // of all checksums
  std::uint64_t sequence = 0;  // the next frame's number
  std::uint64_t previous = 0;  // the checksum of the frame before it

  void take(std::uint64_t checksum_of_frame) noexcept {
    ++sequence;
    previous = checksum_of_frame;
  }
  friend bool operator==(const Chain&, const Chain&) = default;
};

enum class FileKind : char { journal = 'J', snapshot = 'S' };

// All of these reach the disk: never change one.
inline constexpr std::string_view file_magic = "LVCOUNT";  // and the FileKind
inline constexpr std::string_view frame_magic = "LVFR";
inline constexpr std::uint32_t file_version = 1;
inline constexpr std::size_t file_header_size = 48;
inline constexpr std::size_t frame_header_size = 24;
inline constexpr std::size_t frame_overhead = frame_header_size + sizeof(std::uint64_t);

[[nodiscard]] inline std::string file_header(FileKind kind, const Chain& first) {
  std::string header(file_magic);
  header += static_cast<char>(kind);
  put(header, file_version);
  put<std::uint32_t>(header, 0);
  put(header, first.seed);
  put(header, first.sequence);
  put(header, first.previous);
  put(header, checksum(header, first.seed));
  return header;
}

/// What the header of a file says. `header`: the first file_header_size bytes, or all, if the file is shorter.
/// Throws: Error with not_livecount, version_too_new, corrupt.
[[nodiscard]] inline Chain read_file_header(std::string_view header, FileKind kind, const std::string& path) {
  const std::string what = kind == FileKind::journal ? "journal" : "snapshot";
  if (header.substr(0, file_magic.size()) != file_magic || header.size() <= file_magic.size() ||
      header[file_magic.size()] != static_cast<char>(kind)) {
    throw Error(Errc::not_livecount, path + " is no " + what + " of livecount; choose another path", path);
  }
  ByteView fields(header.substr(file_magic.size() + 1));
  const auto version = fields.take<std::uint32_t>();
  if (fields.sound() && version > file_version) {
    throw Error(Errc::version_too_new,
                path + " has version " + std::to_string(version) + ", this livecount reads version " +
                    std::to_string(file_version) + "; use a newer livecount",
                path);
  }
  const auto reserved = fields.take<std::uint32_t>();
  Chain first;
  first.seed = fields.take<std::uint64_t>();
  first.sequence = fields.take<std::uint64_t>();
  first.previous = fields.take<std::uint64_t>();
  const auto stored = fields.take<std::uint64_t>();
  if (!fields.sound() || version != file_version || reserved != 0 ||
      stored != checksum(header.substr(0, file_header_size - sizeof stored), first.seed)) {
    throw Error(Errc::corrupt, path + " is damaged at offset 0: the " + what + "'s header is not sound",
                path);
  }
  return first;
}

// ---- Frames

/// Makes room for a frame's header; the payload is to be put behind it.
inline void begin_frame(std::string& frame) { frame.assign(frame_header_size, '\0'); }

/// Completes a frame. Returns: its checksum. Requires: a payload below 4 GiB.
[[nodiscard]] inline std::uint64_t seal_frame(std::string& frame, const Chain& at) {
  frame_magic.copy(frame.data(), frame_magic.size());
  store_number(frame.data() + 4, static_cast<std::uint32_t>(frame.size() - frame_header_size));
  store_number(frame.data() + 8, at.sequence);
  store_number(frame.data() + 16, at.previous);
  const std::uint64_t sum = checksum(frame, at.seed);
  put(frame, sum);
  return sum;
}

/// Reads the frames of a file one after the other, up to a size that the file had.
template <class File>
class FrameReader {
 public:
  FrameReader(const File& file, std::uint64_t offset, std::uint64_t size, const Chain& chain)
      : file_(&file), offset_(offset), size_(size), chain_(chain) {}

  enum class Next : std::uint8_t { frame, end, damage };

  /// The payload of a frame stays valid until the next call. After damage, reason() says what is wrong.
  [[nodiscard]] Next next(std::string_view& payload) {
    if (offset_ == size_) return Next::end;
    const Found found = look_at(offset_);
    reason_ = found.reason;
    if (reason_.empty() && found.sequence != chain_.sequence) {
      reason_ = "it has number " + std::to_string(found.sequence) + " instead of " +
                std::to_string(chain_.sequence);
    } else if (reason_.empty() && found.previous != chain_.previous) {
      reason_ = "it does not follow the frame before it";
    }
    if (!reason_.empty()) return Next::damage;
    payload = found.payload;
    chain_.take(found.checksum);
    offset_ += frame_overhead + payload.size();
    return Next::frame;
  }

  /// Where the next frame begins, or the one that is damaged.
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
  [[nodiscard]] const Chain& chain() const noexcept { return chain_; }
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

  /// After damage: whether a sound frame with a later number lies at the place of the damage or behind it. Then
  /// the damage is no write that a crash has cut short.
  [[nodiscard]] bool sound_frame_behind() {
    for (std::uint64_t at = offset_; size_ - at >= frame_overhead;) {
      const std::string_view bytes = view(at, frame_overhead);
      const std::size_t found = bytes.find(frame_magic);
      if (found == std::string_view::npos) {
        at += bytes.size() - (frame_magic.size() - 1);
        continue;
      }
      at += found;
      // Only as many frames as there is room for can have been written since.
      if (size_ - at < frame_overhead) return false;
      const auto sequence = load_number<std::uint64_t>(view(at, frame_overhead).data() + 8);
      const bool later = sequence > chain_.sequence && sequence - chain_.sequence <= size_ / frame_overhead;
      if (later && look_at(at).reason.empty()) return true;
      ++at;
    }
    return false;
  }

 private:
  struct Found {
    std::string reason{};  // why it is not sound
    std::string_view payload{};
    std::uint64_t sequence = 0, previous = 0, checksum = 0;
  };

  [[nodiscard]] Found look_at(std::uint64_t at) {
    if (size_ - at < frame_overhead) return {"the file ends within it"};
    const std::string_view header = view(at, frame_header_size);
    if (header.substr(0, frame_magic.size()) != frame_magic) return {"no frame begins there"};
    const auto length = load_number<std::uint32_t>(header.data() + 4);
    if (size_ - at - frame_overhead < length) return {"the file ends within it"};
    const std::string_view frame = view(at, frame_overhead + length).substr(0, frame_overhead + length);
    Found found;
    found.checksum = load_number<std::uint64_t>(frame.data() + frame.size() - sizeof found.checksum);
    if (checksum(frame.substr(0, frame.size() - sizeof found.checksum), chain_.seed) != found.checksum) {
      return {"its checksum does not match"};
    }
    found.sequence = load_number<std::uint64_t>(frame.data() + 8);
    found.previous = load_number<std::uint64_t>(frame.data() + 16);
    found.payload = frame.substr(frame_header_size, length);
    return found;
  }

  /// At least `least` bytes from `at` on, and as many more as are at hand. Requires: they are within the size.
  [[nodiscard]] std::string_view view(std::uint64_t at, std::size_t least) {
    if (at < begin_ || at + least > begin_ + filled_) {
      if (least > capacity_) {
        capacity_ = std::max<std::size_t>(least, std::size_t{1} << 20);
        bytes_ = std::make_unique_for_overwrite<char[]>(capacity_);
      }
      begin_ = at;
      filled_ = static_cast<std::size_t>(std::min<std::uint64_t>(capacity_, size_ - at));
      if (file_->read(at, bytes_.get(), filled_) != filled_) {
        throw Error(Errc::store_unavailable, "a file has become shorter while it was read", "FrameReader");
      }
    }
    return {bytes_.get() + (at - begin_), static_cast<std::size_t>(begin_ + filled_ - at)};
  }

  const File* file_;
  std::uint64_t offset_;
  std::uint64_t size_;
  Chain chain_;
  std::string reason_;
  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0;
  std::uint64_t begin_ = 0;  // of the bytes, within the file
  std::size_t filled_ = 0;
};

}  // namespace livecount::inline v0_1::detail
