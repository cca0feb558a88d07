// SPDX-License-Identifier: BSL-1.0
//
// How far inputs have been counted: what `count --resume` remembers. It is kept as counts, beside those it
// stands for, so that any store that applies a batch once keeps it exactly. Of each input there are, in the
// namespace livecount.positions and the period `all`,
//
//     HASH:offset    bytes counted so far, up to the end of a line (of a compressed file: of its text)
//     HASH:digest    the upper 57 bits of the XXH3-64 of these bytes
//     HASH:lines     lines in them
//     HASH:rejected  those of the lines that could not be counted
//     HASH:choices   what of a line was counted, and by which periods: Choices
//
// HASH is the XXH3-64 of the first line, without its line feed, in 16 hexadecimal digits. So an input is known
// by what is in it: it may be renamed, rotated or compressed. The digest tells apart two inputs that begin with
// the same line.
#pragma once

#include <livecount/detail/hash.hpp>
#include <livecount/livecount.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace program {

inline constexpr std::string_view positions_namespace = "livecount.positions";

/// The text of an input from its beginning to the end of a line.
class Extent {
 public:
  void add(std::string_view bytes) noexcept {
    offset_ += bytes.size();
    digest_.add_piece(bytes);
  }
  void end_line() noexcept { ++lines_; }
  void set_lines(std::uint64_t lines) noexcept { lines_ = lines; }

  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
  [[nodiscard]] std::uint64_t lines() const noexcept { return lines_; }
  /// So many bits that a count holds it, and its difference from any other.
  [[nodiscard]] std::uint64_t digest() const noexcept { return digest_.value() >> 7; }

 private:
  livecount::detail::Digest digest_;
  std::uint64_t offset_ = 0;
  std::uint64_t lines_ = 0;
};

/// Of the first line; of a very long one, of its beginning.
inline constexpr std::size_t identity_bytes = 65536;

[[nodiscard]] inline std::string identity_of(std::string_view first_line) {
  livecount::detail::Digest digest;
  digest.add_piece(first_line.substr(0, identity_bytes));
  std::string hex;
  for (int shift = 60; shift >= 0; shift -= 4) hex += "0123456789abcdef"[digest.value() >> shift & 15];
  return hex;
}

/// What is kept of an input.
struct InputPosition {
  livecount::Count offset = 0, digest = 0, lines = 0, rejected = 0, choices = 0;

  /// The values with their names.
  [[nodiscard]] std::array<std::pair<std::string_view, livecount::Count>, 5> fields() const {
    return {{{"offset", offset},
             {"digest", digest},
             {"lines", lines},
             {"rejected", rejected},
             {"choices", choices}}};
  }
};

[[nodiscard]] inline std::string position_name(const std::string& identity, std::string_view field) {
  return identity + ":" + std::string(field);
}

/// Nothing if no such input has been counted. Throws what the store throws.
template <class Store>
[[nodiscard]] std::optional<InputPosition> read_position(Store& store, const std::string& identity) {
  const auto read = [&](std::string_view field) {
    const std::string name = position_name(identity, field);
    return store.read(livecount::KeyView{positions_namespace, {livecount::PeriodType::all, 0}, name});
  };
  const auto offset = read("offset");
  if (!offset) return std::nullopt;
  return InputPosition{*offset, read("digest").value_or(0), read("lines").value_or(0),
                       read("rejected").value_or(0), read("choices").value_or(0)};
}

/// The number of updates that move a position.
inline constexpr std::size_t position_updates = 5;

/// Counts the difference. Throws what the counter throws.
template <class Counter>
void move_position(Counter& counter, const std::string& identity, const InputPosition& from,
                   const InputPosition& to) {
  const auto before = from.fields(), after = to.fields();
  for (std::size_t i = 0; i < after.size(); ++i) {
    counter.increment(position_name(identity, after[i].first),
                      {.ns = positions_namespace, .delta = after[i].second - before[i].second});
  }
}

}  // namespace program
