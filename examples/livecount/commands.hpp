// SPDX-License-Identifier: BSL-1.0
//
// The commands of the program, with what the command line can say to each. A command returns the exit status.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "store_url.hpp"

namespace program {

struct CountCommand {
  StoreChoice store;
  std::vector<std::string> files;
  std::string periods = "hour,day,week";
  std::string format = "combined";
  std::string namespaces = "path,status,bytes";  // of a combined log
  std::string input_zone;                        // empty: the calendar's
  std::size_t threads = 1;
  std::size_t cache_entries = 1'000'000;
  std::size_t max_names = 0;  // of a bucket; 0: as many as come; not with resume
  bool resume = false;
  bool ack = false;       // only with resume
  bool complete = false;  // only with resume
  bool strict = false;
  bool quiet = false;
};
int count(const CountCommand& command);

struct IncrementCommand {
  StoreChoice store;
  std::string name;
  std::string ns = "default";
  std::string periods = "all";
  std::string at;  // empty: now
  livecount::Count delta = 1;
  std::string format;
};
int increment(const IncrementCommand& command);

struct ResetCommand {
  StoreChoice store;
  std::string name;
  std::string ns = "default";
  std::string period = "all";
  std::string at;  // empty: now
  bool remove = false;
  std::string format;
};
int reset(const ResetCommand& command);

struct RetainCommand {
  StoreChoice store;
  std::vector<std::string> rules;  // "hour=30d"; none: only show what is kept
  std::string now;                 // empty: now
  bool trust_clock = false;
  std::string format;
};
int retain(const RetainCommand& command);

struct GetCommand {
  std::string store = default_store;
  std::string name;
  std::string ns = "default";
  std::string period = "all";
  std::string at;  // empty: now
  std::string format;
};
int get(const GetCommand& command);

struct TopCommand {
  std::string store = default_store;
  std::vector<std::string> namespaces;  // none: every one
  std::string period;  // empty: the longest that was counted, or the one of which `at` is a bucket
  std::string at;      // empty: every bucket
  std::size_t limit = 20;
  std::string format;
};
int top(const TopCommand& command);

struct RangeCommand {
  std::string store = default_store;
  std::string name;
  std::string ns = "default";
  std::string period = "day";
  std::string from;       // empty: so that there are `last` buckets
  std::string to;         // empty: now
  std::size_t last = 30;  // buckets
  std::string format;
};
int range(const RangeCommand& command);

struct NamesCommand {
  std::string store = default_store;
  std::string ns = "default";
  bool namespaces = false;  // these instead of names
  std::string period;       // empty: the longest that was counted
  std::string at;           // empty: in any bucket
  std::string prefix;
  std::string after;
  bool first_page = true;  // `after` was not given: it might be the empty name
  std::size_t limit = 1000;
  std::string format;
};
int names(const NamesCommand& command);

struct ExportCommand {
  std::string store = default_store;
  std::vector<std::string> namespaces;  // none: every one
  std::string periods;                  // empty: every one
  std::string format = "tsv";
};
int export_counts(const ExportCommand& command);

struct ImportCommand {
  StoreChoice store;
  std::string file;
  std::string id;  // empty: the digest of what is imported
  bool set = false;
  std::string format;  // empty: by the end of the file's name
  std::string ns;      // of all lines
  bool one_namespace = false;
  std::string period;  // of all lines
  std::size_t batch_size = 10'000;
  bool quiet = false;
};
int import_counts(const ImportCommand& command);

struct BackupCommand {
  std::string store = default_store;
  std::string to;  // a path
};
int backup(const BackupCommand& command);

struct VerifyCommand {
  std::string store = default_store;
  bool add_up = false;
};
int verify(const VerifyCommand& command);

struct StatsCommand {
  std::string store = default_store;
  std::string format;
};
int stats(const StatsCommand& command);

struct WatchCommand {
  TopCommand top;
  double interval = 2;       // seconds
  std::uint64_t frames = 0;  // 0: until it is stopped; if nobody sees it on a terminal, 1
};
int watch(const WatchCommand& command);

struct DemoCommand {
  std::string store;  // empty: a file in the folder for temporary files
  std::uint64_t events = 200'000;
  std::uint64_t seed = 1;
};
int demo(const DemoCommand& command);

}  // namespace program
