// SPDX-License-Identifier: BSL-1.0
//
// livecount: counts events in files, and answers what was counted. The command line; each command is in its
// own file.
#include <livecount/version.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <exception>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "completion.hpp"
#include "input.hpp"
#include "message.hpp"
#include "rows.hpp"

namespace {

using namespace program;

CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& what,
                      const std::string& footer) {
  CLI::App* command = app.add_subcommand(name, what);
  command->footer("\n" + footer);
  return command;
}

CLI::Option* add_store(CLI::App* command, std::string& url) {
  return command->add_option("--store", url, "where the counts are: sqlite:PATH or file:PATH")
      ->envname("LIVECOUNT_STORE");
}

/// The options of the commands that change counts.
void add_store_choice(CLI::App* command, StoreChoice& choice) {
  add_store(command, choice.url)->capture_default_str();
  command->add_option("--zone", choice.zone,
                      "whose days and hours: UTC, +05:30, or POSIX text such as\n"
                      "CET-1CEST,M3.5.0,M10.5.0/3 (default: as the store was made, else UTC)");
  command->add_option("--week-start", choice.week_start, "monday or sunday (default: as the store was made)")
      ->check(CLI::IsMember({"monday", "sunday"}));
  command->add_flag("--signed", choice.no_floor, "counts may go below zero");
  command
      ->add_option(
          "--synchronous", choice.synchronous,
          "what a power failure may take: full (nothing), normal (the newest batches; of a file: of\n"
          "the last second), off (more, and it may damage an SQLite database)")
      ->check(CLI::IsMember({"full", "normal", "off"}))
      ->capture_default_str();
}

void add_format(CLI::App* command, std::string& format) {
  command->add_option("--format", format, "table, tsv, csv or json (default: table on a terminal, else tsv)")
      ->check(CLI::IsMember({"table", "tsv", "csv", "json"}));
}

void add_namespaces(CLI::App* command, std::vector<std::string>& namespaces) {
  command->add_option("--namespace", namespaces, "may be given several times (default: all)")
      ->expected(1)
      ->take_all();
}

void add_count(CLI::App& app, CountCommand& command) {
  CLI::App* sub = add_command(
      app, "count", "count the events in files",
      "A combined log counts in three namespaces: path and status (1 a line) and bytes (the size, by path).\n"
      "A tsv line is: time TAB namespace TAB name TAB delta, with \\\\, \\t and \\n escaped.\n"
      "With --resume files are known by what is in them: they may be renamed and compressed, and grow.\n"
      "Exit status: 0 all counted, 1 some lines or a file rejected, 2 wrong usage, 3 the store failed.\n"
      "Example: livecount count --store sqlite:hits.db --periods day,week access.log access.log.1.gz\n"
      "Example: livecount count --store file:hits.journal --resume access.log");
  add_store_choice(sub, command.store);
  sub->add_option("files", command.files, "plain, .gz or .xz; - is standard input")->required();
  sub->add_option("--periods", command.periods, "second, minute, hour, day, week, month, year, all")
      ->capture_default_str();
  sub->add_option("--format", command.format, "combined (also common) or tsv")
      ->check(CLI::IsMember({"combined", "tsv"}))
      ->capture_default_str();
  sub->add_option("--namespaces", command.namespaces, "what of a combined log counts")->capture_default_str();
  sub->add_option("--input-zone", command.input_zone, "of times without an offset (default: as --zone)");
  sub->add_option("--threads", command.threads, "threads that count")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  sub->add_option("--cache-entries", command.cache_entries,
                  "counters kept in memory; too few make it write often")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  sub->add_option(
      "--max-names", command.max_names,
      "names that each bucket of a namespace may have; what is counted under further ones goes to\n"
      "\"(other)\" (default: as many as come)");
  sub->add_flag("--resume", command.resume,
                "remember in the store how far each file is counted, and go on from there: each line counts\n"
                "once, however often this is killed and started again");
  sub->add_flag(
      "--ack", command.ack,
      "with --resume: after each commit print the file, TAB, and the number of its last line that is\n"
      "in the store");
  sub->add_flag("--complete", command.complete,
                "with --resume: the files do not grow any more, so a last line without a line feed counts");
  sub->add_flag("--strict", command.strict, "stop at the first line that cannot be counted");
  sub->add_flag("--quiet", command.quiet, "no progress and no summary");
}

void add_increment(CLI::App& app, IncrementCommand& command) {
  CLI::App* sub = add_command(app, "increment", "change one counter and show its counts",
                              "Example: livecount increment --store sqlite:hits.db /index.html --namespace "
                              "path --periods day,week --delta 2");
  add_store_choice(sub, command.store);
  sub->add_option("name", command.name, "the counter's name")->required();
  sub->add_option("--namespace", command.ns, "in which the name is counted")->capture_default_str();
  sub->add_option("--periods", command.periods, "second, minute, hour, day, week, month, year, all")
      ->capture_default_str();
  sub->add_option("--delta", command.delta, "negative: a decrement")->capture_default_str();
  sub->add_option("--at", command.at, "when it happened (default: now)");
  add_format(sub, command.format);
}

void add_reset(CLI::App& app, ResetCommand& command) {
  CLI::App* sub = add_command(
      app, "reset", "set one counter to 0 and show what it was, or remove it",
      "What others count meanwhile is not lost: exactly the count that is shown is taken away. With --remove "
      "all of\n"
      "it goes, and the count shown is the last one seen. Exit status 1: there is no such counter.\n"
      "Example: livecount reset --store sqlite:votes.db --namespace votes --period day --at 2015-05-18 red");
  add_store_choice(sub, command.store);
  sub->add_option("name", command.name, "the counter's name")->required();
  sub->add_option("--namespace", command.ns, "in which the name was counted")->capture_default_str();
  sub->add_option("--period", command.period, "second, minute, hour, day, week, month, year or all")
      ->capture_default_str();
  sub->add_option("--at", command.at, "a time, a date, or the bucket as top shows it (default: now)");
  sub->add_flag("--remove", command.remove, "there is no such counter then, until it is counted again");
  add_format(sub, command.format);
}

void add_retain(CLI::App& app, RetainCommand& command) {
  CLI::App* sub = add_command(
      app, "retain", "let old buckets go, and show since when buckets are kept",
      "What has gone does not come again: whoever counts into this store later is told, or has it left out.\n"
      "One call moves on by no more than a bucket is kept, should the clock be wrong: exit status 1 then.\n"
      "A job that comes less often than that needs --trust-clock.\n"
      "Example: livecount retain --store sqlite:hits.db second=1h hour=30d");
  add_store_choice(sub, command.store);
  sub->add_option("rules", command.rules,
                  "a period, =, and how long its buckets are kept after their end, in s, min, h or d; none:\n"
                  "nothing goes, what is kept is shown");
  sub->add_option("--now", command.now, "the time by which buckets are old (default: now)");
  sub->add_flag("--trust-clock", command.trust_clock,
                "let all go that is old by that time, however much that is");
  add_format(sub, command.format);
}

void add_get(CLI::App& app, GetCommand& command) {
  CLI::App* sub = add_command(app, "get", "show one count",
                              "As tsv it is the bare number. Exit status 1: there is no such counter.\n"
                              "Example: livecount get --store sqlite:hits.db /favicon.ico --namespace path "
                              "--period day --at 2015-05-18");
  add_store(sub, command.store)->capture_default_str();
  sub->add_option("name", command.name, "the counter's name")->required();
  sub->add_option("--namespace", command.ns, "in which the name was counted")->capture_default_str();
  sub->add_option("--period", command.period, "second, minute, hour, day, week, month, year or all")
      ->capture_default_str();
  sub->add_option("--at", command.at, "a time, a date, or the bucket as top shows it (default: now)");
  add_format(sub, command.format);
}

void add_top(CLI::App& app, TopCommand& command) {
  CLI::App* sub = add_command(app, "top", "show the largest counts",
                              "Example: livecount top --store sqlite:hits.db --namespace path --period day "
                              "--at 2015-05-18 --limit 5");
  add_store(sub, command.store)->capture_default_str();
  add_namespaces(sub, command.namespaces);
  sub->add_option(
      "--period", command.period,
      "second, minute, hour, day, week, month, year or all (default: the longest that was counted,\n"
      "or that of --at)");
  sub->add_option("--at", command.at,
                  "a bucket such as 2015-05-18 or 2015-05-11week; with --period also a time in it (default:\n"
                  "every bucket)");
  sub->add_option("--limit", command.limit, "names for each bucket")->capture_default_str();
  add_format(sub, command.format);
}

void add_range(CLI::App& app, RangeCommand& command) {
  CLI::App* sub = add_command(
      app, "range", "show the history of one counter: a value for each bucket, 0 where nothing was counted",
      "As a table it begins with the course in one line. Hours that the clock skips are no buckets; an hour\n"
      "that it repeats is one.\n"
      "Example: livecount range --store sqlite:hits.db /favicon.ico --namespace path --period hour\n"
      "--from 2015-05-18 --to 2015-05-20");
  add_store(sub, command.store)->capture_default_str();
  sub->add_option("name", command.name, "the counter's name")->required();
  sub->add_option("--namespace", command.ns, "in which the name was counted")->capture_default_str();
  sub->add_option("--period", command.period, "second, minute, hour, day, week, month, year or all")
      ->capture_default_str();
  CLI::Option* from =
      sub->add_option("--from", command.from, "in the first bucket: a time, a date, or a bucket");
  sub->add_option("--to", command.to, "in the last bucket (default: now)");
  sub->add_option("--last", command.last, "buckets up to that one, where --from is not given")
      ->check(CLI::Range(std::size_t{1}, livecount::max_range))
      ->excludes(from)
      ->capture_default_str();
  add_format(sub, command.format);
}

void add_names(CLI::App& app, NamesCommand& command) {
  CLI::App* sub =
      add_command(app, "names", "list the names that were counted, in bytewise order",
                  "Example: livecount names --store sqlite:hits.db --namespace path --prefix /blog/");
  add_store(sub, command.store)->capture_default_str();
  sub->add_option("--namespace", command.ns, "in which the names were counted")->capture_default_str();
  sub->add_flag("--namespaces", command.namespaces, "list the namespaces instead");
  sub->add_option("--period", command.period, "(default: the longest that was counted)");
  sub->add_option("--at", command.at,
                  "only those of a bucket such as 2015-05-18; with --period also a time in it");
  sub->add_option("--prefix", command.prefix, "only what begins with it");
  sub->add_option("--after", command.after,
                  "only what comes after this name: the last one of the page before")
      ->each([&](const std::string&) { command.first_page = false; });
  sub->add_option("--limit", command.limit, "names to a page")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1} << 40))
      ->capture_default_str();
  add_format(sub, command.format);
}

void add_export(CLI::App& app, ExportCommand& command) {
  CLI::App* sub = add_command(
      app, "export", "write out all counts of one moment, sorted",
      "With one --namespace and one --period a line of tsv is: bucket, name, count. Otherwise: namespace, "
      "period,\n"
      "bucket, name, count. Fields are separated by TAB, with \\\\, \\t and \\n escaped. import reads each "
      "format.\n"
      "Example: livecount export --store sqlite:hits.db --namespace path --period day > days.tsv");
  add_store(sub, command.store)->capture_default_str();
  add_namespaces(sub, command.namespaces);
  sub->add_option("--period,--periods", command.periods, "as day or hour,day,week (default: all)");
  sub->add_option("--format", command.format, "tsv, csv, json or table")
      ->check(CLI::IsMember({"table", "tsv", "csv", "json"}))
      ->capture_default_str();
}

void add_import(CLI::App& app, ImportCommand& command) {
  CLI::App* sub =
      add_command(app, "import", "add counts that export wrote, or set them",
                  "Each import has a name, by which it is done once: a repeated one changes nothing, and one "
                  "that was killed\n"
                  "goes on where it was. Without --id the name is the digest of what is imported. Buckets "
                  "are taken as they are\n"
                  "written, whatever the zone of the store that they were exported from.\n"
                  "Exit status: 0 all imported, 1 some lines rejected, 2 wrong usage, 3 the store failed.\n"
                  "Example: livecount import --store sqlite:all.db days.csv");
  add_store_choice(sub, command.store);
  sub->add_option("file", command.file, "plain, .gz or .xz; - is standard input")->required();
  sub->add_option("--format", command.format,
                  "csv, tsv, or json with one object a line (default: by the end of the file's name)")
      ->check(CLI::IsMember({"csv", "tsv", "json"}));
  sub->add_option("--id", command.id, "the name of this import");
  sub->add_flag("--set", command.set, "counts become what the file says; without it they are added");
  sub->add_option("--namespace", command.ns, "of tsv with three fields: bucket, name, count")
      ->each([&](const std::string&) { command.one_namespace = true; });
  sub->add_option("--period", command.period, "of tsv with three fields");
  sub->add_option("--batch-size", command.batch_size, "counters in a transaction")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  sub->add_flag("--quiet", command.quiet, "no progress and no summary");
}

void add_backup(CLI::App& app, BackupCommand& command) {
  CLI::App* sub =
      add_command(app, "backup", "copy a store as it is at one moment, while others count into it",
                  "The copy is a store by itself. To restore it: end what counts into the store, move the "
                  "store's files away\n"
                  "(hits.db, hits.db-wal, hits.db-shm; or hits.journal, hits.journal.snapshot), and move the "
                  "copy there.\n"
                  "Example: livecount backup --store sqlite:hits.db hits-2015-05-18.db");
  add_store(sub, command.store)->capture_default_str();
  sub->add_option("to", command.to, "the path of the copy, which must not exist")->required();
}

void add_verify(CLI::App& app, VerifyCommand& command) {
  CLI::App* sub = add_command(
      app, "verify", "check a store: its structure, ledger and checksums, and every counter",
      "Of a file every byte is under a checksum. SQLite has none: its pages and tables are checked.\n"
      "May run beside a process that counts. Exit status: 0 sound, 4 not (what is wrong is printed, a line\n"
      "each), 3 it could not be read.\n"
      "Example: livecount verify --store sqlite:hits.db");
  add_store(sub, command.store)->capture_default_str();
  sub->add_flag(
      "--add-up", command.add_up,
      "also check that days add up to weeks and months, months to years, and so on: true where all was\n"
      "counted by both periods, nothing was decremented or reset, and no old bucket has been removed");
}

void add_stats(CLI::App& app, StatsCommand& command) {
  CLI::App* sub =
      add_command(app, "stats", "show what a store holds, by namespace and period: counters, buckets, sums",
                  "Reads all of it. As prometheus it is a page of metrics.\n"
                  "Example: livecount stats --store sqlite:hits.db");
  add_store(sub, command.store)->capture_default_str();
  sub->add_option("--format", command.format,
                  "table, tsv, csv, json or prometheus (default: table on a terminal, else tsv)")
      ->check(CLI::IsMember({"table", "tsv", "csv", "json", "prometheus"}));
}

void add_watch(CLI::App& app, WatchCommand& command) {
  command.top.period = "day";
  command.top.limit = 10;
  command.top.format = "table";
  CLI::App* sub =
      add_command(app, "watch", "show the largest counts again and again, until Ctrl-C",
                  "Where standard output is no terminal it is shown once, or --count times.\n"
                  "Example: livecount watch --store sqlite:hits.db --namespace path --period hour");
  add_store(sub, command.top.store)->capture_default_str();
  add_namespaces(sub, command.top.namespaces);
  sub->add_option("--period", command.top.period, "second, minute, hour, day, week, month, year or all")
      ->capture_default_str();
  sub->add_option("--at", command.top.at, "in the bucket (default: now, again and again)");
  sub->add_option("--limit", command.top.limit, "names")->capture_default_str();
  sub->add_option("--interval", command.interval, "seconds")
      ->check(CLI::Range(0.05, 1e6))
      ->capture_default_str();
  sub->add_option("--count", command.frames, "how often (default: until it is stopped)")
      ->check(CLI::PositiveNumber);
}

void add_completion(CLI::App& app, std::string& shell) {
  CLI::App* sub =
      add_command(app, "completion", "print a script by which a shell completes commands and options",
                  "Example: livecount completion bash >/etc/bash_completion.d/livecount");
  sub->add_option("shell", shell, "bash")->required()->check(CLI::IsMember({"bash"}));
}

void add_demo(CLI::App& app, DemoCommand& command) {
  CLI::App* sub = add_command(app, "demo", "count invented visits of a web site and show them",
                              "Example: livecount demo --seed 7");
  // No environment variable here: invented visits do not belong among real ones.
  sub->add_option("--store", command.store,
                  "where to count: sqlite:PATH or file:PATH (default: a new file, named at the end)");
  sub->add_option("--events", command.events, "visits to invent")->capture_default_str();
  sub->add_option("--seed", command.seed, "the same seed, the same visits")->capture_default_str();
}

struct Commands {
  CountCommand count;
  IncrementCommand increment;
  ResetCommand reset;
  RetainCommand retain;
  GetCommand get;
  TopCommand top;
  RangeCommand range;
  NamesCommand names;
  ExportCommand export_counts;
  ImportCommand import_counts;
  BackupCommand backup;
  VerifyCommand verify;
  StatsCommand stats;
  WatchCommand watch;
  std::string shell;
  DemoCommand demo;
};

int complete(const CLI::App& app) {
  Output output;
  output.text = bash_completion(app);
  output.flush();
  return all_done;
}

int run(const CLI::App& app, const Commands& commands) {
  if (app.got_subcommand("count")) return count(commands.count);
  if (app.got_subcommand("increment")) return increment(commands.increment);
  if (app.got_subcommand("reset")) return reset(commands.reset);
  if (app.got_subcommand("retain")) return retain(commands.retain);
  if (app.got_subcommand("get")) return get(commands.get);
  if (app.got_subcommand("top")) return top(commands.top);
  if (app.got_subcommand("range")) return range(commands.range);
  if (app.got_subcommand("names")) return names(commands.names);
  if (app.got_subcommand("export")) return export_counts(commands.export_counts);
  if (app.got_subcommand("import")) return import_counts(commands.import_counts);
  if (app.got_subcommand("backup")) return backup(commands.backup);
  if (app.got_subcommand("verify")) return verify(commands.verify);
  if (app.got_subcommand("stats")) return stats(commands.stats);
  if (app.got_subcommand("watch")) return watch(commands.watch);
  if (app.got_subcommand("completion")) return complete(app);
  return demo(commands.demo);
}

/// The number of characters to insert, delete or replace to make one word of the other.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = std::exchange(row[j + 1], std::min({replaced, row[j] + 1, row[j + 1] + 1}));
    }
  }
  return row.back();
}

/// Throws UsageError if the first word of the command line is no command.
void require_command(CLI::App& app, const std::string& word) {
  if (word.empty() || word[0] == '-') return;
  std::string known, meant;
  for (const CLI::App* command : app.get_subcommands([](CLI::App*) { return true; })) {
    const std::string& name = command->get_name();
    if (name == word) return;
    known += (known.empty() ? "" : ", ") + name;
    if (meant.empty() && distance(word, name) <= 2) meant = ", did you mean " + name + "?";
  }
  throw UsageError("there is no command " + word + (meant.empty() ? "." : meant) + " There are: " + known);
}

/// The fault is in what was asked, or else in the store.
int status_of(livecount::Errc code) {
  switch (code) {
    case livecount::Errc::name_too_long:
    case livecount::Errc::namespace_too_long:
    case livecount::Errc::invalid_text:
    case livecount::Errc::time_out_of_range:
    case livecount::Errc::delta_out_of_range:
    case livecount::Errc::overflow:
    case livecount::Errc::expired:
    case livecount::Errc::invalid_option: return wrong_usage;
    default: return store_failed;
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("livecount counts events by name and period, into a store that can be asked meanwhile");
  app.set_version_flag("--version", "livecount " LIVECOUNT_VERSION_STRING);
  app.require_subcommand(1);
  app.footer("\nBegin with: livecount demo");
  Commands commands;
  add_count(app, commands.count);
  add_increment(app, commands.increment);
  add_reset(app, commands.reset);
  add_retain(app, commands.retain);
  add_get(app, commands.get);
  add_top(app, commands.top);
  add_range(app, commands.range);
  add_names(app, commands.names);
  add_export(app, commands.export_counts);
  add_import(app, commands.import_counts);
  add_backup(app, commands.backup);
  add_verify(app, commands.verify);
  add_stats(app, commands.stats);
  add_watch(app, commands.watch);
  add_completion(app, commands.shell);
  add_demo(app, commands.demo);
  try {
    if (argc > 1) require_command(app, argv[1]);
    app.parse(argc, argv);
    return run(app, commands);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    complain(std::string(error.what()) + " (livecount --help shows how)");
    return wrong_usage;
  } catch (const livecount::Error& error) {
    complain(error.what());
    return status_of(error.code());
  } catch (const UsageError& error) {
    complain(error.what());
    return wrong_usage;
  } catch (const InputError& error) {
    complain(error.what());
    return wrong_usage;
  } catch (const std::exception& error) {
    complain(error.what());
    return not_all_done;
  }
}
