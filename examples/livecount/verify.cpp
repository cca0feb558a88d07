// SPDX-License-Identifier: BSL-1.0
//
// The command that checks a store: what the store itself can say of its files, then every counter, and the positions
// of inputs; on demand whether the periods agree. It prints what is wrong, a line each.
#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
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
using livecount::KeyView;
using livecount::PeriodType;

/// What is wrong, as far as anybody wants to read it.
class Findings {
 public:
  void add(const std::string& what) {
    if (++number_ <= shown) output_.text += to_cell(what).text + "\n";
  }
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

  /// Writes all, and `end` as the last line.
  void finish(const std::string& end) {
    if (number_ > shown) output_.text += "(" + quantity(number_ - shown, "further finding") + ")\n";
    output_.text += end + "\n";
    output_.flush();
  }

 private:
  static constexpr std::uint64_t shown = 100;
  std::uint64_t number_ = 0;
  Output output_;
};

/// What is wrong with a counter; empty if nothing is.
std::string fault_of(const KeyView& key, Count count, const livecount::Settings& settings) {
  if (!livecount::in_range(count)) return "its count " + std::to_string(count) + " is outside the range";
  if (settings.floor == livecount::Floor::zero && count < 0) {
    return "its count " + std::to_string(count) + " is below zero, where counts stop";
  }
  if (key.name.size() > livecount::max_name_bytes) return "its name is too long";
  try {
    if (parse_scope(key.bucket.type, to_scope(key.bucket), settings.week_start) == key.bucket) return "";
  } catch (const livecount::Error&) {  // a week that begins on another day, or a time of no year
  }
  return "no " + std::string(to_string(key.bucket.type)) + " begins at " + std::to_string(key.bucket.start) +
         " s after 1970";
}

std::string text_of(const KeyView& key) {
  return std::string(key.ns) + ":" + std::string(to_string(key.bucket.type)) + ":" +
         std::to_string(key.bucket.start) + ":" + std::string(key.name);
}

/// Returns the number of counters.
std::uint64_t check_counters(const Snapshot& moment, const livecount::Settings& settings,
                             Findings& findings) {
  try {
    (void)livecount::parse_calendar(settings.calendar, settings.week_start);
  } catch (const livecount::Error& error) {
    findings.add(std::string("the calendar in the settings: ") + error.what());
  }
  std::uint64_t counters = 0;
  for (const std::string& ns : moment.namespaces()) {
    if (ns.size() > livecount::max_namespace_bytes) findings.add(ns + ": the namespace is too long");
    for (const livecount::PeriodType type : livecount::Periods::every()) {
      moment.scan(livecount::Selection{ns, type}, [&](const KeyView& key, Count count) {
        ++counters;
        const std::string fault = fault_of(key, count, settings);
        if (!fault.empty()) findings.add(text_of(key) + ": " + fault);
        return true;
      });
    }
  }
  return counters;
}

/// Each position must be whole. Returns the number of inputs.
std::uint64_t check_positions(const Snapshot& moment, Findings& findings) {
  std::map<std::string, std::map<std::string, Count>> inputs;
  moment.scan(livecount::Selection{positions_namespace, livecount::PeriodType::all},
              [&](const KeyView& key, Count count) {
                const std::string name(key.name);
                const std::size_t colon = std::min(name.find(':'), name.size());
                inputs[name.substr(0, colon)][name.substr(std::min(name.size(), colon + 1))] = count;
                return true;
              });
  for (const auto& [identity, fields] : inputs) {
    std::size_t known = 0;
    for (const auto& [field, unused] : InputPosition{}.fields()) {
      const auto found = fields.find(std::string(field));
      if (found != fields.end() && found->second >= 0) ++known;
    }
    const bool whole = known == position_updates && fields.size() == known && identity.size() == 16;
    if (!whole || fields.at("rejected") > fields.at("lines") || fields.at("lines") > fields.at("offset")) {
      findings.add(std::string(positions_namespace) + ": the position of the input " + identity +
                   " contradicts itself");
    }
  }
  return inputs.size();
}

/// The period types whose buckets lie whole in one of `longer`, the longest first.
std::vector<PeriodType> parts_of(PeriodType longer) {
  std::vector<PeriodType> parts;
  for (auto type = static_cast<int>(longer) - 1; type >= 0; --type) {
    const auto part = static_cast<PeriodType>(type);
    const bool cut = part == PeriodType::week && longer != PeriodType::all;  // a week may lie in two months
    if (!cut) parts.push_back(part);
  }
  return parts;
}

/// Whether in each longer bucket a name has what it has in the shorter ones together.
void check_sums(const Snapshot& moment, const std::string& ns, PeriodType shorter, PeriodType longer,
                const livecount::Calendar& calendar, Findings& findings) {
  std::map<std::pair<std::int64_t, std::string>, Count> sums;
  Bucket part, whole;
  moment.scan(livecount::Selection{ns, shorter}, [&](const KeyView& key, Count count) {
    if (sums.empty() || part != key.bucket) {
      part = key.bucket;
      whole = calendar.bucket(longer, calendar.bounds(part).from);
    }
    sums[{whole.start, std::string(key.name)}] += count;
    return true;
  });
  const auto differs = [&](std::string_view name, Bucket bucket, Count sum, const std::string& count) {
    findings.add(to_text(KeyView{ns, bucket, name}).text + ": its count by " +
                 std::string(to_string(shorter)) + " adds up to " + std::to_string(sum) + ", and by " +
                 std::string(to_string(longer)) + " it has " + count);
  };
  moment.scan(livecount::Selection{ns, longer}, [&](const KeyView& key, Count count) {
    const auto found = sums.find({key.bucket.start, std::string(key.name)});
    const Count sum = found == sums.end() ? 0 : found->second;
    if (sum != count) differs(key.name, key.bucket, sum, std::to_string(count));
    if (found != sums.end()) sums.erase(found);
    return true;
  });
  for (const auto& [key, sum] : sums) differs(key.second, {longer, key.first}, sum, "none");
}

/// Of each period type against the longest of its parts that was counted.
void check_sums(const Snapshot& moment, const livecount::Calendar& calendar, Findings& findings) {
  for (const std::string& ns : moment.namespaces()) {
    const auto is_counted = [&](PeriodType type) {
      bool counted = false;
      moment.scan(livecount::Selection{ns, type}, [&](const KeyView&, Count) {
        counted = true;
        return false;
      });
      return counted;
    };
    for (const PeriodType longer : livecount::Periods::every()) {
      if (!is_counted(longer)) continue;
      const std::vector<PeriodType> parts = parts_of(longer);
      const auto shorter = std::find_if(parts.begin(), parts.end(), is_counted);
      if (shorter != parts.end()) check_sums(moment, ns, *shorter, longer, calendar, findings);
    }
  }
}

/// Whether an error says that what was read is not as it should be, rather than that it could not be read.
bool is_finding(livecount::Errc code) {
  using livecount::Errc;
  return code == Errc::corrupt || code == Errc::not_livecount || code == Errc::out_of_range ||
         code == Errc::invalid_text || code == Errc::store_failed;
}

}  // namespace

int verify(const VerifyCommand& command) {
  require_store(command.store);
  Findings findings;
  std::string summary;
  try {
    const Store store({.url = command.store, .read_only = true, .salvage = true});
    for (const std::string& finding : store.verify()) findings.add(finding);
    if (findings.number() == 0) {
      const Snapshot moment = store.snapshot();
      const std::uint64_t counters = check_counters(moment, store.settings(), findings);
      const std::uint64_t inputs = check_positions(moment, findings);
      if (command.add_up && findings.number() == 0) {
        const livecount::Settings settings = store.settings();
        check_sums(moment, livecount::parse_calendar(settings.calendar, settings.week_start), findings);
      }
      summary = quantity(counters, "counter") + ", positions of " + quantity(inputs, "input");
    }
  } catch (const livecount::Error& error) {
    if (!is_finding(error.code())) throw;
    findings.add(error.what());
  }
  if (findings.number() == 0) {
    findings.finish(command.store + " is sound: " + summary);
    return all_done;
  }
  findings.finish(command.store + " is not sound: " + quantity(findings.number(), "finding"));
  return unsound;
}

}  // namespace program
