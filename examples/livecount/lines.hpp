// SPDX-License-Identifier: BSL-1.0
//
// Cuts an input into lines without copying them: text is read in blocks, and a line is a piece of its block.
//
//     LineReader lines(*open_input("access.log"), block_size, false);
//     while (lines.next_block())
//       while (lines.next(line)) ...        // line.text lies in *lines.block()
//
// A line that does not fit into a block is passed over and reported as too long, so memory is bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

#include "input.hpp"

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
  /// With `keep_blocks` every block is a new one, for those who hold shares of the last; without, one is used
  /// again.
  LineReader(Input& input, std::size_t block_size, bool keep_blocks)
      : input_(input), size_(block_size), keep_blocks_(keep_blocks), block_(new char[block_size]) {}

  /// Reads on until there is a whole line. False at the end of the input or when the program was asked to
  /// stop.
  bool next_block() {
    keep_tail();
    while (complete_ == 0 && !long_line_ && !ended_) {
      if (filled_ == size_) {
        long_line_ = !within_long_line_;
        within_long_line_ = true;
        filled_ = 0;
        continue;
      }
      read_more();
    }
    return (complete_ > 0 || long_line_) && !stop_requested();
  }

  /// The next line of the block; false when there is none.
  bool next(Line& line) {
    if (long_line_) {
      long_line_ = false;
      line = {{}, ++number_, true};
      return true;
    }
    if (position_ >= complete_) return false;
    char* const begin = block_.get() + position_;
    const void* const feed = std::memchr(begin, '\n', complete_ - position_);
    const std::size_t length =
        feed ? static_cast<std::size_t>(static_cast<const char*>(feed) - begin) : complete_ - position_;
    position_ += length + 1;
    line = {{begin, length}, ++number_, false};
    return true;
  }

  [[nodiscard]] const Block& block() const noexcept { return block_; }

 private:
  /// Begins a block with the unfinished line at the end of the last one.
  void keep_tail() {
    const std::size_t tail = filled_ > complete_ ? filled_ - complete_ : 0;
    const Block last = block_;
    if (keep_blocks_ && complete_ > 0) block_.reset(new char[size_]);
    if (tail > 0) std::memmove(block_.get(), last.get() + complete_, tail);
    filled_ = tail;
    complete_ = position_ = 0;
  }

  void read_more() {
    char* const begin = block_.get() + filled_;
    const std::size_t got = input_.read(begin, size_ - filled_);
    ended_ = got == 0;
    filled_ += got;
    if (within_long_line_ && got > 0) {
      const void* const feed = std::memchr(block_.get(), '\n', filled_);
      if (!feed) {
        filled_ = 0;
        return;
      }
      within_long_line_ = false;
      position_ = static_cast<std::size_t>(static_cast<const char*>(feed) - block_.get()) + 1;
    }
    const void* const feed = ::memrchr(begin, '\n', got);
    if (feed) complete_ = static_cast<std::size_t>(static_cast<const char*>(feed) - block_.get()) + 1;
    if (ended_) complete_ = filled_;  // the last line may lack its line feed
  }

  Input& input_;
  const std::size_t size_;
  const bool keep_blocks_;
  Block block_;
  std::size_t filled_ = 0;    // bytes in the block
  std::size_t complete_ = 0;  // of these, in whole lines
  std::size_t position_ = 0;  // of these, handed out
  std::uint64_t number_ = 0;
  bool long_line_ = false;         // a line too long is to be reported
  bool within_long_line_ = false;  // its rest is to be passed over
  bool ended_ = false;
};

}  // namespace program
