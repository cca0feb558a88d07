// SPDX-License-Identifier: BSL-1.0
//
// How many increments a second does one client of a counting service make? Names by a Zipf law, 100,000 of them.
//
//   contender               what it is
//   livecount               the whole product in the client's own process, one thread (rivals/livecount.cpp)
//   Redis, pipelined        INCR, 100 in flight, over a Unix socket; an append-only file, synced every second
//   Redis, one at a time    the same, each answer awaited
//   memcached, pipelined    incr, 100 in flight, over a Unix socket; nothing is durable
//   PostgreSQL, 1,000       upserts of 1,000 names in one prepared statement, each durable at its commit
//
// Each server is started for this on a socket in a temporary folder, and stopped. PostgreSQL runs as another user, as
// it refuses to run as root.
#include <sys/socket.h>
#include <sys/un.h>

#include <fstream>
#include <functional>
#include <memory>
#include <stdexcept>

#include "support/contender.hpp"
#include "support/folder.hpp"
#include "support/measure.hpp"
#include "support/names.hpp"
#include "support/process.hpp"

#if __has_include(<libpq-fe.h>)
#include <libpq-fe.h>
#define BENCH_POSTGRES
#endif

namespace {

using namespace bench;

/// A client of a server that answers each command with one line.
class Connection {
 public:
  explicit Connection(const std::string& path) : socket_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    for (int attempt = 0; attempt < 500; ++attempt) {  // the server needs a moment before it listens
      if (connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    throw std::runtime_error("nobody listens on " + path);
  }
  ~Connection() { close(socket_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Throws if an answer begins with something else than one of these characters.
  void ask(const std::string& request, std::size_t answers, std::string_view good) {
    if (send(socket_, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) {
      throw std::runtime_error("the server has gone");
    }
    for (bool begins = true; answers > 0;) {
      const ssize_t size = read(socket_, buffer_, sizeof buffer_);
      if (size <= 0) throw std::runtime_error("the server has gone");
      for (const char c : std::string_view(buffer_, static_cast<std::size_t>(size))) {
        if (begins && good.find(c) == std::string_view::npos)
          throw std::runtime_error("the server refuses a command");
        begins = c == '\n';
        if (begins) --answers;
      }
    }
  }

 private:
  const int socket_;
  char buffer_[1U << 16U];
};

/// A server and one client of it. What cannot be started throws, and is shown as absent.
class Service {
 public:
  Service() = default;
  virtual ~Service() = default;
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  /// Increments each name; returns when the server has answered all of it.
  virtual void add(std::span<const std::string_view> names) = 0;
};

[[nodiscard]] std::string required(const std::string& path) {
  const std::string program = find_program(path);
  if (program.empty()) throw std::runtime_error("no " + path + " (bench/install_rivals.sh)");
  return program;
}

class Redis : public Service {
 public:
  explicit Redis(const Folder& folder)
      : server_({required("/usr/bin/redis-server"), "--port", "0", "--unixsocket", folder.file("redis"),
                 "--dir", folder.path(), "--save", "", "--appendonly", "yes", "--appendfsync", "everysec"},
                folder.file("redis.log"), SIGTERM),
        connection_(folder.file("redis")) {}
  void add(std::span<const std::string_view> names) override {
    request_.clear();
    for (const std::string_view name : names) {
      request_ += "*2\r\n$4\r\nINCR\r\n$";
      request_ += std::to_string(name.size());
      request_ += "\r\n";
      request_ += name;
      request_ += "\r\n";
    }
    connection_.ask(request_, names.size(), ":");
  }

 private:
  Process server_;
  Connection connection_;
  std::string request_;
};

class Memcached : public Service {
 public:
  Memcached(const Folder& folder, std::size_t names)
      : server_(command(folder), folder.file("memcached.log"), SIGTERM),
        connection_(folder.file("memcached")) {
    for (std::size_t i = 0; i < names; ++i) connection_.ask("set " + name_of(i) + " 0 0 1\r\n0\r\n", 1, "S");
  }
  void add(std::span<const std::string_view> names) override {
    request_.clear();
    for (const std::string_view name : names) {
      request_ += "incr ";
      request_ += name;
      request_ += " 1\r\n";
    }
    connection_.ask(request_, names.size(), "0123456789");
  }

 private:
  static std::vector<std::string> command(const Folder& folder) {
    std::vector<std::string> command{required("/usr/bin/memcached"), "-s", folder.file("memcached"), "-m",
                                     "256"};
    if (geteuid() == 0) command.insert(command.end(), {"-u", "root"});
    return command;
  }
  Process server_;
  Connection connection_;
  std::string request_;
};

#ifdef BENCH_POSTGRES
class Postgres : public Service {
 public:
  explicit Postgres(const Folder& folder) : data_(folder.file("postgres")) {
    const std::string programs = "/usr/lib/postgresql/15/bin/";
    const passwd* const user = other_user();
    std::filesystem::create_directory(data_);
    if (user && chown(data_.c_str(), user->pw_uid, user->pw_gid) != 0)
      throw std::runtime_error("chown " + data_);
    const std::string log = folder.file("postgres/log");
    Process initdb(
        {required(programs + "initdb"), "-D", data_ + "/data", "-U", "bench", "-A", "trust", "--no-sync"},
        log, SIGTERM, user);
    if (!initdb.wait(std::chrono::minutes(1)) || !initdb.succeeded())
      throw std::runtime_error("initdb failed: " + tail(log));
    server_ = std::make_unique<Process>(std::vector<std::string>{required(programs + "postgres"), "-D",
                                                                 data_ + "/data", "-k", data_, "-h", ""},
                                        log, SIGQUIT, user);
    for (int attempt = 0; attempt < 500; ++attempt) {
      connection_.reset(PQconnectdb(("host=" + data_ + " user=bench dbname=postgres").c_str()));
      if (PQstatus(connection_.get()) == CONNECTION_OK) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    check(PQexec(connection_.get(), "CREATE TABLE counts (name text PRIMARY KEY, count bigint NOT NULL)"));
    check(PQprepare(connection_.get(), "add",
                    "INSERT INTO counts SELECT name, count(*) FROM unnest($1::text[]) AS name GROUP BY name "
                    "ON CONFLICT (name) DO UPDATE SET count = counts.count + excluded.count",
                    1, nullptr));
  }
  void add(std::span<const std::string_view> names) override {
    std::string array = "{";
    for (const std::string_view name : names) {  // ours hold nothing that needs quoting
      if (array.size() > 1) array += ',';
      array += name;
    }
    array += '}';
    const char* const value = array.c_str();
    check(PQexecPrepared(connection_.get(), "add", 1, &value, nullptr, nullptr, 0));
  }

 private:
  void check(PGresult* result) {
    const bool succeeded = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    if (!succeeded) throw std::runtime_error(PQerrorMessage(connection_.get()));
  }
  static std::string tail(const std::string& log) {
    std::ifstream file(log);
    std::string last;
    for (std::string line; std::getline(file, line);) last = line.empty() ? last : line;
    return last;
  }
  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  const std::string data_;
  std::unique_ptr<Process> server_;
  std::unique_ptr<PGconn, Finish> connection_;
};
#endif

struct Running {
  std::string name;
  std::size_t at_once;  // names in one call of add
  std::size_t calls;    // names in one round
  std::function<void(std::span<const std::string_view>)> add;
};

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv);
  Report report(options);
  setenv("LD_LIBRARY_PATH", LIVECOUNT_RIVALS "/usr/lib/x86_64-linux-gnu", 1);  // of the servers
  const auto names = options.pick<std::size_t>(1000, 100'000, 100'000);
  const auto calls = options.pick<std::size_t>(2000, 200'000, 1'000'000);
  const Stream stream = zipf(calls, names);
  const Folder folder;

  std::vector<Running> running;
  for (const Kind& kind : kinds()) {
    if (kind.name != "livecount") continue;
    const std::shared_ptr<Contender> contender = kind.make(names);
    make_known(*contender, SortedNames(names).all());
    running.push_back({kind.name, calls, calls, [contender](auto part) { contender->add(part); }});
  }
  const auto enter = [&](const std::string& name, std::size_t at_once, std::size_t count, auto start) {
    try {
      const std::shared_ptr<Service> service = start();
      running.push_back({name, at_once, count, [service](auto part) { service->add(part); }});
      return service;
    } catch (const std::exception& error) {
      report.absent("zipf", name, error.what());
      return std::shared_ptr<Service>();
    }
  };
  const auto redis = enter("Redis, pipelined", 100, calls, [&] { return std::make_shared<Redis>(folder); });
  if (redis) enter("Redis, one at a time", 1, calls / 20, [&] { return redis; });
  enter("memcached, pipelined", 100, calls, [&] { return std::make_shared<Memcached>(folder, names); });
#ifdef BENCH_POSTGRES
  enter("PostgreSQL, 1,000 at once", 1000, calls / 5, [&] { return std::make_shared<Postgres>(folder); });
#else
  report.absent("zipf", "PostgreSQL, 1,000 at once", "built without libpq");
#endif

  for (int round = 0; round < options.rounds; ++round) {
    for (const Running& contender : running) {
      const auto part = stream.part(contender.calls, static_cast<std::size_t>(round));
      const auto start = std::chrono::steady_clock::now();
      for (std::size_t i = 0; i < part.size(); i += contender.at_once) {
        contender.add(part.subspan(i, std::min(contender.at_once, part.size() - i)));
      }
      report.add("zipf", contender.name, static_cast<double>(part.size()) / seconds_since(start),
                 "per second");
    }
  }
  report.print();
}
