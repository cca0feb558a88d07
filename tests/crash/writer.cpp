// SPDX-License-Identifier: BSL-1.0
// crash_writer STORE QUEUE PATH LOG [THREADS [UPDATES [ENTRIES]]]
//
// Counts until it is killed, or until it is told to stop, or for so many updates a thread, and notes in LOG what was
// attempted and what was acknowledged. Ends with 0 when everything is in the store, 3 when something is left, 4 when
// the store could not be opened.
#include <livecount/livecount.hpp>
#include <livecount/sqlite.hpp>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string_view>
#include <thread>
#include <vector>

#include "crash/log.hpp"
#include "crash/stores.hpp"

namespace {

using namespace livecount;
using namespace livecount::crash;
using std::chrono::milliseconds;

struct Arguments {
  std::string store, queue, path, log;
  std::size_t threads = most_threads;
  std::uint64_t updates = 0;  // 0: no end
  std::size_t entries = 64;   // of the cache
};

/// One thread of updates.
template <class Counter>
class Counting {
 public:
  Counting(Counter& counter, Log& log, const Arguments& arguments, std::size_t thread)
      : counter_(counter), log_(log), arguments_(arguments), thread_(thread) {
    for (std::size_t i = 0; i < vocabulary().names().size(); ++i) {
      const std::size_t owner = vocabulary().names()[i].owner;
      if (owner == thread || owner == everybody) mine_.push_back(i);
    }
    done_.resize(mine_.size());
  }

  void run() {
    for (std::uint64_t i = 0; (arguments_.updates == 0 || i < arguments_.updates) && !log_.stop; ++i) {
      const std::uint64_t bits = bits_of(log_.seed, thread_ + 1'000, i);
      const bool durable = update(bits % mine_.size());
      if (durable || ((bits >> 20) % 16 == 0 && flush())) acknowledge();
    }
  }

  /// Everything that was accepted is in the store now.
  void acknowledge() {
    for (std::size_t i = 0; i < mine_.size(); ++i) log_.acknowledged[thread_][mine_[i]] = done_[i];
  }

 private:
  /// True if the store has it when the call returns.
  bool update(std::size_t place) {
    const std::size_t number = mine_[place];
    const Name& name = vocabulary().names()[number];
    const std::uint64_t n = done_[place];
    const Count delta = name.owner == everybody ? 1 : delta_of(log_.seed, number, n);
    log_.attempted[thread_][number] = n + 1;
    const Errc code = counter_.try_increment(
        name.text, {.periods = name.periods, .ns = "crash", .delta = delta, .at = Vocabulary::moment()});
    if (code == Errc::ok || code == Errc::not_yet_durable) {
      done_[place] = n + 1;
      return writes_through && code == Errc::ok;
    }
    log_.attempted[thread_][number] = n;  // it has certainly not been counted
    log_.refused++;
    std::this_thread::sleep_for(milliseconds(1));
    return false;
  }

  bool flush() {
    if (writes_through) return false;
    try {
      counter_.flush();
      return true;
    } catch (const Error&) {
      return false;  // on_error has been told
    }
  }

  static constexpr bool writes_through = requires(Counter & counter) {
    requires std::same_as<std::remove_cvref_t<decltype(counter.queue())>, InlineQueue>;
  };

  Counter& counter_;
  Log& log_;
  const Arguments& arguments_;
  const std::size_t thread_;
  std::vector<std::size_t> mine_;    // numbers of names
  std::vector<std::uint64_t> done_;  // parallel: updates of it that were accepted
};

template <class Cache, class Store, class Queue>
int count(const Arguments& arguments, Log& log) {
  using C = Counter<Cache, Witness<Store>, Queue>;
  typename C::Options options;
  options.cache.entries = arguments.entries;
  options.store = {store_options<Store>(arguments.store, arguments.path), &log};
  if constexpr (std::same_as<Queue, JthreadQueue>) {
    options.queue = {
        .max_delay = milliseconds(2), .first_retry = milliseconds(2), .last_retry = milliseconds(50)};
  }
  options.floor = log.floor;
  options.block_timeout = milliseconds(20);
  options.max_batch = 8;  // a flush is several batches
  options.on_error = [&log](const Error& error) { log.tell(error.what()); };
  C counter(std::move(options));

  std::vector<Counting<C>> counting;
  for (std::size_t i = 0; i < arguments.threads; ++i) counting.emplace_back(counter, log, arguments, i);
  if (counting.size() == 1) {
    counting[0].run();  // on this thread: strace counts system calls by thread
  } else {
    std::vector<std::jthread> running;
    for (auto& one : counting) running.emplace_back([&one] { one.run(); });
  }
  const CloseReport report = counter.close(milliseconds(2'000));
  if (!report.clean) {
    log.tell(report.message);
    return 3;
  }
  for (auto& one : counting) one.acknowledge();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 4) {
    std::cerr << "usage: crash_writer STORE QUEUE PATH LOG [THREADS [UPDATES [ENTRIES]]]\n";
    return 2;
  }
  Arguments arguments{words[0], words[1], words[2], words[3]};
  if (words.size() > 4) arguments.threads = std::stoul(words[4]);
  if (words.size() > 5) arguments.updates = std::stoull(words[5]);
  if (words.size() > 6) arguments.entries = std::stoul(words[6]);
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on the size of files is then an error like others
  const SharedLog log(arguments.log, SharedLog::Access::open);
  try {
    return with_store(arguments.store, [&]<class Store>(std::type_identity<Store>) {
      return arguments.queue == "inline" ? count<NullCache, Store, InlineQueue>(arguments, *log)
                                         : count<LockFreeCache, Store, JthreadQueue>(arguments, *log);
    });
  } catch (const std::exception& error) {
    log->tell(error.what());
    std::cerr << "crash_writer: " << error.what() << '\n';
    return 4;
  }
}
