// SPDX-License-Identifier: BSL-1.0
// Does to a Counter what a trace tells, and compares each answer, and at the end each stored row, with the
// ideal ones.
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "golden/trace.hpp"

namespace livecount::tests {

/// What a replay needs of a Counter, whatever its policies.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual void increment(const std::string& name, const Update& update) = 0;
  virtual void decrement(const std::string& name, const Update& update) = 0;
  virtual std::optional<Count> get(const std::string& name, const Lookup& lookup) = 0;
  virtual void flush() = 0;
  virtual void pump() = 0;  // writes a part of what is pending, if the queue can
  virtual void drop_clean() = 0;
  virtual CloseReport close() = 0;
  [[nodiscard]] virtual std::vector<Row> rows(const std::string& ns) = 0;
  /// Of the store; nothing if it cannot tell.
  [[nodiscard]] virtual std::optional<std::vector<std::string>> namespaces() = 0;
  [[nodiscard]] virtual Stats stats() = 0;
};

class Replay {
 public:
  Replay(Subject& subject, const Trace& trace) : subject_(subject), trace_(trace) {}

  void run() {
    try {
      for (const Operation& operation : trace_.operations) replay(operation);
      subject_.flush();
      const CloseReport report = subject_.close();
      expect(report.clean, [&] { return "close: " + report.message; });
      compare_table();
      check_stats();
    } catch (const std::exception& error) {
      expect(false, [&] { return at(index_) + "it threw: " + error.what(); });
    }
  }

  [[nodiscard]] std::uint64_t checks() const { return checks_; }
  [[nodiscard]] const std::vector<std::string>& differences() const { return differences_; }

 private:
  void replay(const Operation& operation) {
    index_ = operation.index;
    switch (operation.kind) {
      case Operation::Kind::increment:
      case Operation::Kind::decrement: change(operation); break;
      case Operation::Kind::get: compare_counts(operation); break;
      case Operation::Kind::drain: operation.limited ? subject_.pump() : subject_.flush(); break;
      case Operation::Kind::evict: subject_.drop_clean(); break;
    }
  }

  /// One call, and for a type that is listed again one more with what is listed as often.
  void change(const Operation& operation) {
    std::vector<PeriodType> rest = operation.types;
    do {
      Periods periods;
      std::vector<PeriodType> again;
      for (const PeriodType type : rest) {
        if (periods.contains(type)) again.push_back(type);
        periods = periods | type;
      }
      const Update update{periods, operation.ns, operation.delta, operation.at};
      if (operation.kind == Operation::Kind::decrement) {
        subject_.decrement(operation.name, update);
      } else {
        subject_.increment(operation.name, update);
      }
      rest = std::move(again);
    } while (!rest.empty());
    compare_counts(operation);
  }

  void compare_counts(const Operation& operation) {
    for (std::size_t i = 0; i < operation.types.size(); ++i) {
      const PeriodType type = operation.types[i];
      const auto count = subject_.get(operation.name, {type, operation.ns, operation.at});
      expect(count == operation.ideal[i], [&] {
        return at(operation.index) + std::string(to_string(type)) + " of '" + operation.name + "' in '" +
               operation.ns + "' is " + show(count) + ", not " + show(operation.ideal[i]);
      });
    }
  }

  /// Every row, and no row more.
  void compare_table() {
    std::vector<std::string> with_rows;
    std::size_t found = 0;
    for (const std::string& ns : trace_.namespaces) {
      const std::vector<Row> rows = subject_.rows(ns);
      if (!rows.empty()) with_rows.push_back(ns);
      for (const Row& row : rows) {
        const auto ideal = trace_.table.find(row.text);
        const bool known = ideal != trace_.table.end();
        if (known) ++found;
        expect(known && ideal->second == row, [&] {
          return "stored " + row.text + ": " + std::to_string(row.count) + ", not " +
                 (known ? std::to_string(ideal->second.count) : "none");
        });
      }
    }
    expect(found == trace_.table.size(), [&] {
      return std::to_string(found) + " rows were stored, not " + std::to_string(trace_.table.size());
    });
    const auto namespaces = subject_.namespaces();
    if (namespaces) expect(*namespaces == with_rows, [] { return "the store tells of other namespaces"; });
  }

  void check_stats() {
    const Stats stats = subject_.stats();
    expect(stats.pending == 0 && stats.failures == 0 && stats.quarantined == 0 && stats.refused == 0,
           [] { return "some updates were refused, failed or were put aside"; });
    expect(stats.evicted > 0, [] { return "nothing was evicted: the cache is too large for this trace"; });
  }

  template <class Description>
  void expect(bool holds, Description description) {
    ++checks_;
    if (!holds) differences_.push_back(description());
  }

  [[nodiscard]] static std::string at(std::size_t index) {
    return "operation " + std::to_string(index) + ": ";
  }
  [[nodiscard]] static std::string show(std::optional<Count> count) {
    return count ? std::to_string(*count) : "none";
  }

  Subject& subject_;
  const Trace& trace_;
  std::size_t index_ = 0;
  std::uint64_t checks_ = 0;
  std::vector<std::string> differences_;
};

}  // namespace livecount::tests
