// SPDX-License-Identifier: BSL-1.0
//
// Tables for people: aligned columns, names cut to the width of the terminal, a bar for each count.
#pragma once

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text.hpp"

namespace program {

/// Columns of the terminal that standard output is; 100 if it is none.
[[nodiscard]] inline std::size_t terminal_width() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 100;
}

/// `text` dimmed, where the terminal can and nobody minds.
[[nodiscard]] inline std::string dim(const std::string& text) {
  static const bool colours = ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  return colours ? "\x1b[2m" + text + "\x1b[0m" : text;
}

/// `part` of `whole` as a bar of up to `columns`, in eighths of a column.
[[nodiscard]] inline std::string bar(std::int64_t part, std::int64_t whole, std::size_t columns) {
  static constexpr std::string_view eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  if (part <= 0 || whole <= 0) return "";
  const double length =
      static_cast<double>(part) / static_cast<double>(whole) * static_cast<double>(columns * 8);
  const auto units = std::max<std::size_t>(1, static_cast<std::size_t>(length + 0.5));
  std::string text;
  for (std::size_t i = 0; i < units / 8; ++i) text += "█";
  return text += eighths[units % 8];
}

/// The course of `values` in a line of at most `columns`. Where there are more values, a column stands for the
/// largest of several. What is above zero is seen to be.
[[nodiscard]] inline std::string sparkline(const std::vector<std::int64_t>& values, std::size_t columns) {
  static constexpr std::string_view steps[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  if (values.empty()) return "";
  const double largest = static_cast<double>(*std::max_element(values.begin(), values.end()));
  const std::size_t length = std::min(values.size(), std::max<std::size_t>(columns, 1));
  const auto begin_of = [&](std::size_t column) {
    return values.begin() + static_cast<std::ptrdiff_t>(column * values.size() / length);
  };
  std::string text;
  for (std::size_t i = 0; i < length; ++i) {
    const std::int64_t value = *std::max_element(begin_of(i), begin_of(i + 1));
    const double height = value > 0 ? static_cast<double>(value) / largest * 6.0 + 1.5 : 0.0;
    text += steps[static_cast<std::size_t>(height)];
  }
  return text;
}

class Table {
 public:
  enum class Align { left, right };
  struct Column {
    std::string title;
    Align align = Align::left;
    bool may_be_cut = false;
  };

  /// With `bars` the number given to each row is shown as a bar behind it.
  explicit Table(std::vector<Column> columns, bool bars = false)
      : columns_(std::move(columns)), bars_(bars) {}

  /// One cell for each column; bytes are made printable.
  void add(std::vector<std::string> cells, std::int64_t bar_length = 0) {
    rows_.push_back({std::move(cells), bar_length});
    longest_bar_ = std::max(longest_bar_, bar_length);
  }

  [[nodiscard]] std::string to_text() const {
    const std::vector<std::size_t> widths = fit();
    std::string text;
    std::vector<std::string> titles;
    for (const Column& column : columns_) titles.push_back(column.title);
    text += dim(line(titles, widths)) + "\n";
    for (const Row& row : rows_) {
      std::string cells = line(row.cells, widths);
      if (bars_) cells += "  " + bar(row.bar_length, longest_bar_, bar_columns);
      text += cells.substr(0, cells.find_last_not_of(' ') + 1) + "\n";
    }
    return text;
  }

 private:
  struct Row {
    std::vector<std::string> cells;
    std::int64_t bar_length;
  };
  static constexpr std::size_t bar_columns = 24;

  /// The width of each column, so that all fit if those that may be cut are.
  [[nodiscard]] std::vector<std::size_t> fit() const {
    std::vector<std::size_t> widths;
    std::size_t total = bars_ ? bar_columns : 0;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      std::size_t width = to_cell(columns_[i].title).columns;
      for (const Row& row : rows_) width = std::max(width, to_cell(row.cells[i]).columns);
      widths.push_back(width);
      total += width + 2;
    }
    const std::size_t limit = std::max<std::size_t>(terminal_width(), 60);
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (!columns_[i].may_be_cut || total <= limit) continue;
      const std::size_t excess = std::min(total - limit, widths[i] - std::min<std::size_t>(widths[i], 16));
      widths[i] -= excess;
      total -= excess;
    }
    return widths;
  }

  [[nodiscard]] std::string line(const std::vector<std::string>& cells,
                                 const std::vector<std::size_t>& widths) const {
    std::string text;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const Cell cell = to_cell(cells[i], widths[i]);
      const std::string blanks(widths[i] - cell.columns, ' ');
      if (i > 0) text += "  ";
      text += columns_[i].align == Align::left ? cell.text + blanks : blanks + cell.text;
    }
    return text;
  }

  std::vector<Column> columns_;
  bool bars_;
  std::vector<Row> rows_;
  std::int64_t longest_bar_ = 0;
};

}  // namespace program
