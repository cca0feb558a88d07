// SPDX-License-Identifier: BSL-1.0
// A recorded trace: what was done to the ancestor, one line of JSON for each operation, and what an ideal
// counter would have answered and stored.
#pragma once

#include <livecount/livecount.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace livecount::tests {

struct Operation {
  enum class Kind { increment, decrement, get, drain, evict };
  Kind kind = Kind::get;
  std::size_t index = 0;  // in the trace
  std::string name;
  std::string ns;
  Time at;
  Count delta = 0;
  std::vector<PeriodType> types;            // may repeat: then it counts as often
  std::vector<std::optional<Count>> ideal;  // parallel to types: the counts after it
  bool limited = false;                     // a drain of some tasks only
};

/// A stored counter. By its text and in parts, so that both can be compared.
struct Row {
  std::string text;
  std::string ns;
  std::string type;
  std::string scope;
  std::string name;
  Count count = 0;

  friend bool operator==(const Row&, const Row&) = default;
};

struct Trace {
  std::string name;
  std::vector<Operation> operations;
  std::map<std::string, Row> table;  // the ideal one at the end, by text
  std::set<std::string> namespaces;
  std::size_t unknown_types = 0;  // operations left out, as their period type is none
  std::size_t unknown_rows = 0;   // rows left out for the same reason
  // Texts of period types on which livecount and this reader are of different opinions.
  std::vector<std::string> differences;
  std::size_t checks = 0;
};

/// Reads a trace and its table. What has an unknown period type is left out, once livecount has refused that
/// too.
class TraceReader {
 public:
  [[nodiscard]] static Trace read(const std::filesystem::path& path) {
    TraceReader reader;
    reader.trace_.name = path.stem().string();
    std::ifstream file(path, std::ios::binary);
    for (std::string line; std::getline(file, line);) reader.add(nlohmann::json::parse(line));
    reader.read_table(path.parent_path() / (reader.trace_.name + ".ideal.json"));
    return std::move(reader.trace_);
  }

 private:
  using Json = nlohmann::json;

  void add(const Json& line) {
    const auto kind = kind_of(line.at("op").get<std::string>());
    if (!kind) return;
    Operation operation;
    operation.kind = *kind;
    operation.index = line.at("i");
    if (*kind == Operation::Kind::drain) operation.limited = !line.at("limit").is_null();
    if (*kind < Operation::Kind::drain && !add_key(line, operation)) return;
    trace_.operations.push_back(std::move(operation));
  }

  /// False if it has an unknown period type.
  bool add_key(const Json& line, Operation& operation) {
    operation.name = line.at("name");
    operation.ns = line.at("namespace");
    operation.at = parse_time(line.at("period").get<std::string>(), Calendar{});
    operation.delta = line.value("delta", Count{0});
    trace_.namespaces.insert(operation.ns);
    for (const Json& text : line.at("period_types")) {
      const auto type = check_type(text);
      if (!type) return ++trace_.unknown_types, false;
      operation.types.push_back(*type);
    }
    const Json& ideal = line.at("ideal");
    for (const Json& count : ideal.is_array() ? ideal : Json::array({ideal})) {
      operation.ideal.push_back(count.is_null() ? std::nullopt : std::optional(count.get<Count>()));
    }
    if (operation.ideal.size() != operation.types.size()) throw std::runtime_error("no ideal for each type");
    return true;
  }

  void read_table(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    const Json table = Json::parse(file);
    for (const auto& [text, row] : table.items()) {
      if (!check_type(row.at("period_type"))) {
        ++trace_.unknown_rows;
        continue;
      }
      trace_.table[text] = {text,           row.at("namespace"), row.at("period_type"), row.at("period"),
                            row.at("name"), row.at("count")};
      trace_.namespaces.insert(row.at("namespace"));
    }
  }

  [[nodiscard]] static std::optional<Operation::Kind> kind_of(std::string_view op) {
    if (op == "increment") return Operation::Kind::increment;
    if (op == "decrement") return Operation::Kind::decrement;
    if (op == "get") return Operation::Kind::get;
    if (op == "drain") return Operation::Kind::drain;
    if (op == "evict") return Operation::Kind::evict;
    if (op == "final") return std::nullopt;
    throw std::runtime_error("an operation that nobody knows: " + std::string(op));
  }

  /// The type, and nothing for an unknown one. The names are listed here too: what livecount refuses is not
  /// to be left out because livecount refuses it.
  std::optional<PeriodType> check_type(const std::string& text) {
    static constexpr std::string_view names[] = {"second", "minute", "hour", "day",
                                                 "week",   "month",  "year", "all"};
    const bool known = std::find(std::begin(names), std::end(names), text) != std::end(names);
    std::optional<PeriodType> type;
    try {
      type = parse_period_type(text);
    } catch (const Error& error) {
      if (error.code() != Errc::invalid_text) trace_.differences.push_back(text + ": " + error.what());
    }
    ++trace_.checks;
    if (known != type.has_value()) {
      trace_.differences.push_back(trace_.name + ": the period type '" + text + "' is " +
                                   (known ? "refused" : "accepted"));
    }
    return known ? type : std::nullopt;
  }

  Trace trace_;
};

}  // namespace livecount::tests
