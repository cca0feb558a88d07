// SPDX-License-Identifier: BSL-1.0
//
// Turns the table of departures from Houston (standard input, CSV) into events for `livecount count --format tsv`: the
// route, the carrier and the aircraft of every flight that left, by local time.
#include <charconv>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace {

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> fields;
  for (std::size_t comma; (comma = line.find(',')) != line.npos; line.remove_prefix(comma + 1)) {
    fields.push_back(line.substr(0, comma));
  }
  fields.push_back(line);
  return fields;
}

int number(std::string_view text) {
  int value = -1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// "2011-01-01 14:00:00"; the departure is hhmm without leading zeros, and 2400 is the next day's 00:00.
std::string local_time(const std::vector<std::string_view>& fields) {
  const int departure = number(fields[3]);
  const std::chrono::year_month_day given{std::chrono::year(number(fields[0])),
                                          std::chrono::month(static_cast<unsigned>(number(fields[1]))),
                                          std::chrono::day(static_cast<unsigned>(number(fields[2])))};
  const std::chrono::year_month_day date = std::chrono::sys_days(given) + std::chrono::days(departure / 2400);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u %02d:%02d:00", int(date.year()), unsigned(date.month()),
                unsigned(date.day()), departure / 100 % 24, departure % 100);
  return text;
}

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  std::string line;
  std::getline(std::cin, line);  // names of the columns
  int skipped = 0;
  while (std::getline(std::cin, line)) {
    const std::vector<std::string_view> fields = split(line);
    if (fields.size() < 9) return 1;
    if (fields[3].empty()) {  // it never left
      ++skipped;
      continue;
    }
    const std::string time = local_time(fields);
    std::cout << time << "\troute\t" << fields[7] << '-' << fields[8] << "\t1\n"
              << time << "\tcarrier\t" << fields[4] << "\t1\n"
              << time << "\ttail\t" << fields[6] << "\t1\n";
  }
  std::cerr << "skipped " << skipped << '\n';
  return std::cout.good() ? 0 : 1;
}
