// SPDX-License-Identifier: BSL-1.0
//
// Cuts an input into lines without copying them: text is read in blocks, and a line is a piece of its block.
//
//     LineReader lines(*open_input("access.log"), {.block_size = 1 << 20});
//     while (lines.next_block())
//       while (lines.next(line)) ...        // line.text lies in *lines.block()
//
// A line that does not fit into a block is passed over and, at its end, reported as too long, so memory is
// bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "input.hpp"
#include "positions.hpp"

namespace program {

/// Text that events point into. Whoever holds a share of it may read it.
using Block = std::shared_ptr<char[]>;

struct Line {
  std::span<char> text;  // without the line feed
  std::uint64_t number = 0;
  bool too_long = false;  // the text is not there
};

class LineReader {
 public:
  struct Options {
    std::size_t block_size = std::size_t{1} << 20;
    bool keep_blocks = false;     // every block is a new one, for those who hold shares of the last
    bool unfinished_line = true;  // the last line counts also if it lacks its line feed
    Extent* extent = nullptr;     // what was handed out before; moved to the end of each line handed out
  };

  LineReader(Input& input, const Options& options)
      : input_(input),
        options_(options),
        block_(new char[options.block_size]),
        number_(options.extent ? options.extent->lines() : 0) {}

  /// Reads on until there is a whole line. False at the end of the input or when the program was asked to
  /// stop.
  bool next_block() {
    keep_tail();
    while (complete_ == 0 && !long_line_ && !ended_) {
      if (filled_ == options_.block_size) {
        begin_long_line();
      } else {
        read_more();
      }
    }
    return (complete_ > 0 || long_line_) && !stop_requested();
  }

  /// The next line of the block; false when there is none.
  bool next(Line& line) {
    if (long_line_) {
      long_line_ = false;
      line = {{}, ++number_, true};
      if (options_.extent) *options_.extent = *std::exchange(ahead_, std::nullopt);
    } else if (position_ < complete_) {
      char* const begin = block_.get() + position_;
      const void* const feed = std::memchr(begin, '\n', complete_ - position_);
      const std::size_t length =
          feed ? static_cast<std::size_t>(static_cast<const char*>(feed) - begin) : complete_ - position_;
      const std::size_t size = feed ? length + 1 : length;
      position_ += size;
      line = {{begin, length}, ++number_, false};
      if (options_.extent) options_.extent->add({begin, size});
    } else {
      return false;
    }
    if (options_.extent) options_.extent->end_line();
    return true;
  }

  [[nodiscard]] const Block& block() const noexcept { return block_; }
  /// Whether the input ended within a line that was not handed out.
  [[nodiscard]] bool left_unfinished() const noexcept {
    return ended_ && (filled_ > complete_ || within_long_line_);
  }

 private:
  /// Begins a block with the unfinished line at the end of the last one.
  void keep_tail() {
    const std::size_t tail = filled_ > complete_ ? filled_ - complete_ : 0;
    const Block last = block_;
    if (options_.keep_blocks && complete_ > 0) block_.reset(new char[options_.block_size]);
    if (tail > 0) std::memmove(block_.get(), last.get() + complete_, tail);
    filled_ = tail;
    complete_ = position_ = 0;
  }

  void read_more() {
    char* const begin = block_.get() + filled_;
    const std::size_t got = input_.read(begin, options_.block_size - filled_);
    ended_ = got == 0;
    filled_ += got;
    if (within_long_line_) {
      pass_over_long_line();
      if (within_long_line_) return;
    }
    const void* const feed = ::memrchr(begin, '\n', got);
    if (feed) complete_ = static_cast<std::size_t>(static_cast<const char*>(feed) - block_.get()) + 1;
    if (ended_ && options_.unfinished_line) complete_ = filled_;
  }

  void begin_long_line() {
    within_long_line_ = true;
    if (options_.extent) ahead_ = *options_.extent;
    drop(filled_);
  }

  /// Drops what the block has of the long line.
  void pass_over_long_line() {
    const void* const feed = std::memchr(block_.get(), '\n', filled_);
    if (feed) {
      position_ = static_cast<std::size_t>(static_cast<const char*>(feed) - block_.get()) + 1;
      if (ahead_) ahead_->add({block_.get(), position_});
    } else {
      drop(filled_);
    }
    long_line_ = feed || (ended_ && options_.unfinished_line);
    within_long_line_ = !long_line_;
  }

  void drop(std::size_t size) {
    if (ahead_) ahead_->add({block_.get(), size});
    filled_ = 0;
  }

  Input& input_;
  const Options options_;
  Block block_;
  std::size_t filled_ = 0;    // bytes in the block
  std::size_t complete_ = 0;  // of these, in whole lines
  std::size_t position_ = 0;  // of these, handed out
  std::uint64_t number_;
  std::optional<Extent> ahead_;    // to the end of the long line, as far as it has been read
  bool long_line_ = false;         // a line too long is to be reported
  bool within_long_line_ = false;  // its rest is to be passed over
  bool ended_ = false;
};

}  // namespace program
