// SPDX-License-Identifier: BSL-1.0
//
// The command that tells what a store holds: for each namespace and period how many counters and buckets, and the sum.
#include <livecount/prometheus.hpp>

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "commands.hpp"
#include "message.hpp"
#include "positions.hpp"
#include "rows.hpp"
#include "store_url.hpp"

namespace program {

namespace {

using livecount::Bucket;
using livecount::Count;

struct Figures {
  std::string ns;
  livecount::PeriodType period;
  std::int64_t counters = 0, buckets = 0;
  Bucket first{}, last{};
  Count sum = 0;  // modulo 2^64
};

std::vector<Figures> figures_of(const Snapshot& moment) {
  std::vector<Figures> all;
  for (const std::string& ns : moment.namespaces()) {
    if (ns == positions_namespace) continue;
    for (const livecount::PeriodType period : livecount::Periods::every()) {
      Figures figures{ns, period};
      moment.scan(livecount::Selection{ns, period}, [&](const livecount::KeyView& key, Count count) {
        if (figures.counters++ == 0) figures.first = key.bucket;
        if (figures.counters == 1 || figures.last != key.bucket) ++figures.buckets;
        figures.last = key.bucket;
        figures.sum =
            static_cast<Count>(static_cast<std::uint64_t>(figures.sum) + static_cast<std::uint64_t>(count));
        return true;
      });
      if (figures.counters > 0) all.push_back(figures);
    }
  }
  return all;
}

/// Of all files of the store that there are.
std::uint64_t bytes_of(const std::string& url) {
  std::uint64_t bytes = 0;
  for (const char* const suffix : {"", "-wal", ".snapshot"}) {
    std::error_code error;
    const auto size = std::filesystem::file_size(StoreUrl(url).path + suffix, error);
    if (!error) bytes += size;
  }
  return bytes;
}

constexpr std::array titles{"namespace", "period", "counters", "buckets", "first", "last", "sum"};

std::array<std::string, titles.size()> cells_of(const Figures& figures) {
  return {figures.ns,
          std::string(to_string(figures.period)),
          std::to_string(figures.counters),
          std::to_string(figures.buckets),
          to_scope(figures.first),
          to_scope(figures.last),
          std::to_string(figures.sum)};
}

std::string to_table(const std::vector<Figures>& all, const std::string& url) {
  std::vector<Table::Column> columns;
  for (std::size_t i = 0; i < titles.size(); ++i) {
    const bool number = i == 2 || i == 3 || i == 6;
    columns.push_back({titles[i], number ? Table::Align::right : Table::Align::left, i == 0});
  }
  Table table(std::move(columns));
  for (const Figures& figures : all) {
    auto cells = cells_of(figures);
    cells[2] = with_commas(figures.counters);
    cells[3] = with_commas(figures.buckets);
    cells[6] = with_commas(figures.sum);
    table.add({cells.begin(), cells.end()});
  }
  return table.to_text() + "\n" + url + " has " + with_commas(bytes_of(url)) + " bytes\n";
}

/// Values with `separator` between them.
template <class Append>
std::string to_lines(const std::vector<Figures>& all, char separator, Append append) {
  std::string text;
  const auto add_line = [&](const auto& cells) {
    for (std::size_t i = 0; i < titles.size(); ++i) {
      if (i > 0) text += separator;
      append(text, cells[i]);
    }
    text += '\n';
  };
  add_line(titles);
  for (const Figures& figures : all) add_line(cells_of(figures));
  return text;
}

std::string to_json(const std::vector<Figures>& all, const std::string& url) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const Figures& figures : all) {
    nlohmann::ordered_json row;
    const bool text = is_utf8(figures.ns);
    row[text ? "namespace" : "namespace_hex"] = text ? figures.ns : to_hex(figures.ns);
    row["period"] = std::string(to_string(figures.period));
    row["counters"] = figures.counters;
    row["buckets"] = figures.buckets;
    row["first"] = to_scope(figures.first);
    row["last"] = to_scope(figures.last);
    row["sum"] = figures.sum;
    rows.push_back(row);
  }
  return nlohmann::ordered_json{{"store", url}, {"bytes", bytes_of(url)}, {"counts", rows}}.dump(2) + "\n";
}

std::string to_prometheus(const std::vector<Figures>& all, const std::string& url) {
  using livecount::PrometheusType;
  livecount::PrometheusText text;
  text.begin_metric("livecount_store_bytes", PrometheusType::gauge, "Size of the files of the store.");
  text.add({}, bytes_of(url));
  const auto add = [&](std::string_view metric, std::string_view help, auto value_of) {
    text.begin_metric(metric, PrometheusType::gauge, help);
    for (const Figures& figures : all) {
      text.add({{"namespace", figures.ns}, {"period", to_string(figures.period)}}, value_of(figures));
    }
  };
  add("livecount_store_entries", "Counters in the store.",
      [](const Figures& figures) { return figures.counters; });
  add("livecount_store_periods", "Buckets in which something was counted.",
      [](const Figures& figures) { return figures.buckets; });
  add("livecount_store_counts", "Sums of their counts.", [](const Figures& figures) { return figures.sum; });
  return text.str();
}

}  // namespace

int stats(const StatsCommand& command) {
  return ask_store(command.store, [&](Store& store, const livecount::Calendar&) {
    const std::vector<Figures> all = figures_of(store.snapshot());
    const std::string format = chosen_format(command.format);
    Output output;
    output.text = format == "table"        ? to_table(all, command.store)
                  : format == "json"       ? to_json(all, command.store)
                  : format == "prometheus" ? to_prometheus(all, command.store)
                  : format == "csv"        ? to_lines(all, ',', append_csv)
                                           : to_lines(all, '\t', append_tsv);
    output.flush();
    return all_done;
  });
}

}  // namespace program
