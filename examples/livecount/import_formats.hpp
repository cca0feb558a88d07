// SPDX-License-Identifier: BSL-1.0
//
// Counts as `export` writes them, read again: csv, tsv, JSON with one object a line. A line becomes the fields of a
// counter, as text; import.cpp says what they mean.
#pragma once

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "input.hpp"
#include "tsv.hpp"

namespace program {

struct SavedCount {
  std::string ns, period, bucket, name, count;
};

/// Reads records of one format, one after the other.
class SavedCounts {
 public:
  virtual ~SavedCounts() = default;
  /// Whether the record ends here, or with a later line: names may contain line feeds.
  [[nodiscard]] virtual bool is_whole(std::string_view) const { return true; }
  /// Fills `into`. False if the record has no counter; then `fault` says what is wrong with it, if anything is.
  /// Throws InputError if the whole file cannot be what it should be.
  virtual bool parse(std::string_view record, SavedCount& into, std::string& fault) = 0;
};

/// RFC 4180. The header says which field is where; other fields are passed over.
class SavedCsv : public SavedCounts {
 public:
  explicit SavedCsv(std::string path) : path_(std::move(path)) {}

  bool is_whole(std::string_view record) const override {
    return std::count(record.begin(), record.end(), '"') % 2 == 0;
  }

  bool parse(std::string_view record, SavedCount& into, std::string& fault) override {
    if (record.ends_with('\r')) record.remove_suffix(1);
    if (!split(record)) {
      fault = "text follows a quoted field";
      return false;
    }
    if (columns_.empty()) {
      read_header();
      return false;
    }
    if (fields_.size() != header_size_) {
      fault =
          "it has " + std::to_string(fields_.size()) + " fields, the header " + std::to_string(header_size_);
      return false;
    }
    into = {fields_[columns_[0]], fields_[columns_[1]], fields_[columns_[2]], fields_[columns_[3]],
            fields_[columns_[4]]};
    return true;
  }

 private:
  void read_header() {
    for (const char* const name : {"namespace", "period", "bucket", "name", "count"}) {
      const auto found = std::find(fields_.begin(), fields_.end(), name);
      if (found == fields_.end()) {
        throw InputError(path_ +
                         ": the first line of csv has to name the fields namespace, period, bucket, name, " +
                         "count, as export writes it");
      }
      columns_.push_back(static_cast<std::size_t>(found - fields_.begin()));
    }
    header_size_ = fields_.size();
  }

  /// Cuts a record into fields_. False if there is text behind a quoted field.
  bool split(std::string_view record) {
    fields_.clear();
    for (std::size_t at = 0;; ++at) {
      std::string& field = fields_.emplace_back();
      if (at < record.size() && record[at] == '"') {
        for (++at; at < record.size(); ++at) {
          if (record[at] == '"' && (++at == record.size() || record[at] != '"')) break;
          field += record[at];
        }
        if (at < record.size() && record[at] != ',') return false;
      } else {
        field = record.substr(at, record.find(',', at) - at);
        at += field.size();
      }
      if (at >= record.size()) return true;
    }
  }

  std::string path_;
  std::vector<std::string> fields_;
  std::vector<std::size_t> columns_;  // where in fields_ those of SavedCount are; empty before the header
  std::size_t header_size_ = 0;
};

/// Fields separated by TAB: namespace, period, bucket, name, count; or, if the first two are said otherwise, the last
/// three.
class SavedTsv : public SavedCounts {
 public:
  /// `fixed`: namespace and period of all lines.
  explicit SavedTsv(std::optional<std::pair<std::string, std::string>> fixed) : fixed_(std::move(fixed)) {}

  bool parse(std::string_view record, SavedCount& into, std::string& fault) override {
    std::vector<std::string> fields;
    for (std::size_t at = 0; at <= record.size();) {
      const std::size_t end = std::min(record.find('\t', at), record.size());
      std::string& field = fields.emplace_back(record.substr(at, end - at));
      std::span<char> bytes(field);
      if (!unescape(bytes)) {
        fault = "a field has a backslash that is not part of \\\\, \\t or \\n";
        return false;
      }
      field.resize(bytes.size());
      at = end + 1;
    }
    if (fixed_) fields.insert(fields.begin(), {fixed_->first, fixed_->second});
    if (fields.size() != 5) {
      fault = fixed_ ? "it has not the three fields bucket, name, count"
                     : "it has not the five fields namespace, period, bucket, name, count (for three say "
                       "--namespace and --period)";
      return false;
    }
    into = {fields[0], fields[1], fields[2], fields[3], fields[4]};
    return true;
  }

 private:
  std::optional<std::pair<std::string, std::string>> fixed_;
};

/// An array with one object a line, or just such lines.
class SavedJson : public SavedCounts {
 public:
  bool parse(std::string_view record, SavedCount& into, std::string& fault) override {
    const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
    while (!record.empty() && (blank(record.back()) || record.back() == ',')) record.remove_suffix(1);
    while (!record.empty() && blank(record.front())) record.remove_prefix(1);
    if (record.empty() || record == "[" || record == "]" || record == "[]") return false;
    const nlohmann::json object = nlohmann::json::parse(record, nullptr, false);
    if (!object.is_object()) {
      fault = "it is not a JSON object on a line of its own (jq -c '.[]' makes such lines)";
      return false;
    }
    if (!read(object, "namespace", into.ns) || !read(object, "period", into.period) ||
        !read(object, "bucket", into.bucket) || !read(object, "name", into.name) ||
        !object.contains("count") || !object["count"].is_number_integer()) {
      fault = "the object has not the fields namespace, period, bucket, name, count as export writes them";
      return false;
    }
    into.count = object["count"].dump();
    return true;
  }

 private:
  /// A string; or, under `key`_hex, bytes in hexadecimal.
  static bool read(const nlohmann::json& object, const std::string& key, std::string& into) {
    if (object.contains(key) && object[key].is_string()) {
      into = object[key].get<std::string>();
      return true;
    }
    const std::string hex = object.value(key + "_hex", nlohmann::json()).is_string()
                                ? object[key + "_hex"].get<std::string>()
                                : "x";
    if (hex.size() % 2 != 0 || hex.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos)
      return false;
    into.clear();
    for (std::size_t i = 0; i < hex.size(); i += 2) {
      into += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    }
    return true;
  }
};

}  // namespace program
