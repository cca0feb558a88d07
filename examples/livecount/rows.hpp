// SPDX-License-Identifier: BSL-1.0
//
// Answers are rows: a counter and its count. They are written as a table for people, as values separated by tabs or
// commas, or as JSON.
#pragma once

#include <livecount/livecount.hpp>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "table.hpp"
#include "text.hpp"

namespace program {

struct Row {
  std::string_view ns;
  livecount::Bucket bucket;
  std::size_t rank = 0;
  std::string_view name;
  livecount::Count count = 0;
};

enum class Column { ns, period, bucket, rank, name, count };

/// What of a row is shown, in which order.
struct Shape {
  std::vector<Column> columns;  // of tables and tsv
  bool header = true;           // tsv: names of the columns first
  bool grouped = false;         // table: one for each bucket, with bars
  // What programs want that know nothing of the question: the columns of JSON and csv.
  std::vector<Column> all{Column::ns, Column::period, Column::bucket, Column::name, Column::count};
};

/// Standard output, in large pieces.
class Output {
 public:
  std::string text;

  void flush_if_large() {
    if (text.size() > 1U << 16) flush();
  }
  /// Throws when the text cannot be written.
  void flush() {
    const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
    if (!written || std::fflush(stdout) != 0) throw std::runtime_error("cannot write to standard output");
    text.clear();
  }
};

class RowWriter {
 public:
  virtual ~RowWriter() = default;
  virtual void add(const Row& row) = 0;
  /// Writes what is left. Must be called last.
  virtual void finish() { output_.flush(); }

 protected:
  Output output_;
};

[[nodiscard]] inline std::string title(Column column) {
  switch (column) {
    case Column::ns: return "namespace";
    case Column::period: return "period";
    case Column::bucket: return "bucket";
    case Column::rank: return "rank";
    case Column::name: return "name";
    case Column::count: return "count";
  }
  return {};
}

/// The field as bytes.
[[nodiscard]] inline std::string field(const Row& row, Column column) {
  switch (column) {
    case Column::ns: return std::string(row.ns);
    case Column::period: return std::string(to_string(row.bucket.type));
    case Column::bucket: return to_scope(row.bucket);
    case Column::rank: return std::to_string(row.rank);
    case Column::name: return std::string(row.name);
    case Column::count: return std::to_string(row.count);
  }
  return {};
}

class TsvWriter : public RowWriter {
 public:
  explicit TsvWriter(const Shape& shape) : columns_(shape.columns) {
    if (!shape.header) return;
    for (const Column column : columns_)
      output_.text += title(column) + (column == columns_.back() ? '\n' : '\t');
  }

  void add(const Row& row) override {
    if (row.bucket != bucket_ || scope_.empty()) {
      bucket_ = row.bucket;
      scope_ = to_scope(bucket_);
    }
    std::string& out = output_.text;
    for (const Column column : columns_) {
      switch (column) {
        case Column::ns: append_tsv(out, row.ns); break;
        case Column::bucket: out += scope_; break;
        case Column::name: append_tsv(out, row.name); break;
        default: out += field(row, column);
      }
      out += column == columns_.back() ? '\n' : '\t';
    }
    output_.flush_if_large();
  }

 private:
  std::vector<Column> columns_;
  livecount::Bucket bucket_;
  std::string scope_;  // text of bucket_
};

/// With a header. Bytes are as they are.
class CsvWriter : public RowWriter {
 public:
  explicit CsvWriter(const Shape& shape) : columns_(shape.all) {
    for (const Column column : columns_) add_field(title(column), column);
  }

  void add(const Row& row) override {
    for (const Column column : columns_) add_field(field(row, column), column);
    output_.flush_if_large();
  }

 private:
  void add_field(std::string_view bytes, Column column) {
    append_csv(output_.text, bytes);
    output_.text += column == columns_.back() ? '\n' : ',';
  }

  std::vector<Column> columns_;
};

/// One array, one object a line.
class JsonWriter : public RowWriter {
 public:
  explicit JsonWriter(const Shape& shape) : columns_(shape.all) { output_.text = "["; }

  void add(const Row& row) override {
    nlohmann::ordered_json object;
    for (const Column column : columns_) {
      switch (column) {
        case Column::ns: set_bytes(object, title(column), row.ns); break;
        case Column::name: set_bytes(object, title(column), row.name); break;
        case Column::rank: object[title(column)] = row.rank; break;
        case Column::count: object[title(column)] = row.count; break;
        default: object[title(column)] = field(row, column);
      }
    }
    output_.text += (first_ ? "\n" : ",\n") + object.dump();
    first_ = false;
    output_.flush_if_large();
  }

  void finish() override {
    output_.text += "\n]\n";
    output_.flush();
  }

 private:
  /// Bytes that are no UTF-8, and so no JSON string, are given in hexadecimal, under another key.
  static void set_bytes(nlohmann::ordered_json& object, const std::string& key, std::string_view bytes) {
    if (is_utf8(bytes)) {
      object[key] = std::string(bytes);
    } else {
      object[key + "_hex"] = to_hex(bytes);
    }
  }

  std::vector<Column> columns_;
  bool first_ = true;
};

class TableWriter : public RowWriter {
 public:
  explicit TableWriter(const Shape& shape) : columns_(shape.columns), grouped_(shape.grouped) {}

  void add(const Row& row) override {
    if (grouped_ && (!table_ || row.ns != ns_ || row.bucket != bucket_)) begin_group(row);
    if (!table_) table_ = make_table();
    std::vector<std::string> cells;
    for (const Column column : shown()) {
      cells.push_back(column == Column::count ? with_commas(row.count) : field(row, column));
    }
    table_->add(std::move(cells), row.count);
  }

  void finish() override {
    end_group();
    output_.flush();
  }

 private:
  /// Namespace, period and bucket stand over the table of a group.
  [[nodiscard]] std::vector<Column> shown() const {
    return grouped_ ? std::vector{Column::rank, Column::name, Column::count} : columns_;
  }

  [[nodiscard]] std::unique_ptr<Table> make_table() const {
    std::vector<Table::Column> columns;
    for (const Column column : shown()) {
      const bool number = column == Column::rank || column == Column::count;
      const bool bytes = column == Column::ns || column == Column::name;
      columns.push_back({title(column), number ? Table::Align::right : Table::Align::left, bytes});
    }
    return std::make_unique<Table>(std::move(columns), grouped_);
  }

  void begin_group(const Row& row) {
    if (table_) output_.text += table_->to_text() + "\n";
    output_.flush_if_large();
    ns_ = row.ns;
    bucket_ = row.bucket;
    output_.text += to_cell(ns_).text + ", ";
    output_.text += bucket_.type == livecount::PeriodType::all
                        ? "all time\n"
                        : std::string(to_string(bucket_.type)) + " " + to_scope(bucket_) + "\n";
    table_ = make_table();
  }

  void end_group() {
    if (table_) output_.text += table_->to_text();
    table_.reset();
  }

  std::vector<Column> columns_;
  bool grouped_;
  std::string ns_;
  livecount::Bucket bucket_;
  std::unique_ptr<Table> table_;
};

/// The format, where none was asked for: a table on a terminal, else tsv.
[[nodiscard]] inline std::string chosen_format(const std::string& format) {
  if (!format.empty()) return format;
  return ::isatty(STDOUT_FILENO) == 1 ? "table" : "tsv";
}

/// `format` is "table", "tsv", "csv" or "json".
[[nodiscard]] inline std::unique_ptr<RowWriter> make_row_writer(std::string_view format, const Shape& shape) {
  if (format == "json") return std::make_unique<JsonWriter>(shape);
  if (format == "csv") return std::make_unique<CsvWriter>(shape);
  if (format == "table") return std::make_unique<TableWriter>(shape);
  return std::make_unique<TsvWriter>(shape);
}

}  // namespace program
