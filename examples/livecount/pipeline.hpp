// SPDX-License-Identifier: BSL-1.0
//
// From events to counts, many at a time. With one thread the caller's own thread counts. With several the caller only
// reads, and hands the events of each block of text to the workers, by the hash of namespace and name: all changes of one
// counter are made by one worker in the order of the input, so the counts do not depend on the number of threads, floor
// or not.
//
// Events point into their block, which lives as long as a batch of them: names are not copied. Each worker's
// queue holds a few batches; when it is full the reader waits.
#pragma once

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "events.hpp"
#include "lines.hpp"
#include "rejections.hpp"

namespace program {

struct PlacedEvent {
  Event event;
  Position position;
};

struct EventBatch {
  Block text;
  std::vector<PlacedEvent> events;
};

/// A queue of a few batches between one reader and one worker.
class BatchQueue {
 public:
  void push(EventBatch batch) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return batches_.size() < capacity; });
    batches_.push_back(std::move(batch));
    changed_.notify_one();
  }
  /// No more will come.
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_one();
  }
  /// None when the queue is closed and empty. The batch before this one is then done with.
  std::optional<EventBatch> pop() {
    std::unique_lock lock(mutex_);
    at_work_ = false;
    changed_.notify_one();
    changed_.wait(lock, [&] { return closed_ || !batches_.empty(); });
    if (batches_.empty()) return std::nullopt;
    std::optional<EventBatch> batch(std::move(batches_.front()));
    batches_.pop_front();
    at_work_ = true;
    changed_.notify_one();
    return batch;
  }
  /// Returns when all batches are done with.
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return batches_.empty() && !at_work_; });
  }

 private:
  static constexpr std::size_t capacity = 4;
  std::mutex mutex_;
  std::condition_variable changed_;  // only one of the two sides ever waits
  std::deque<EventBatch> batches_;
  bool at_work_ = false;  // the worker has a batch
  bool closed_ = false;
};

template <class Counter>
class Pipeline {
 public:
  struct Options {
    livecount::Periods periods;
    std::size_t threads = 1;
    bool line_by_line = false;  // with one thread: what is refused is known before the next line
  };

  Pipeline(Counter& counter, const Options& options, Rejections& rejections)
      : counter_(counter), options_(options), rejections_(rejections) {
    const std::size_t threads = options.threads;
    if (threads < 2) return;
    for (std::size_t i = 0; i < threads; ++i) workers_.push_back(std::make_unique<Worker>());
    for (auto& worker : workers_) worker->thread = std::thread([this, &worker = *worker] { work(worker); });
  }
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  /// Counts the events of one line, at the end of the block at the latest.
  void take(const LineEvents& events, const Position& position) {
    if (!workers_.empty()) {
      for (const Event& event : events) worker_of(event).gathered.push_back({event, position});
      return;
    }
    for (const Event& event : events) gathered_.push_back({event, position});
    if (options_.line_by_line || gathered_.size() >= most_gathered) count_gathered();
  }

  /// Counts the events of a block, or hands them to the workers. Throws what stopped one of them.
  void end_block(const Block& text) {
    count_gathered();
    for (auto& worker : workers_) {
      if (worker->gathered.empty()) continue;
      const std::size_t size = worker->gathered.size();
      worker->queue.push({text, std::exchange(worker->gathered, {})});
      worker->gathered.reserve(size + size / 4);
    }
    rethrow();
  }

  /// Returns when the workers have counted all they were handed. Throws what stopped one of them.
  void wait() {
    for (auto& worker : workers_) worker->queue.wait();
    rethrow();
  }

  /// The same, and for good; also when one has failed.
  void stop() noexcept {
    for (auto& worker : workers_) worker->stop();
  }
  /// The same; throws what stopped one of them.
  void finish() {
    stop();
    rethrow();
  }

 private:
  struct Worker {
    std::vector<PlacedEvent> gathered;  // reader only
    BatchQueue queue;
    std::thread thread;

    ~Worker() { stop(); }
    void stop() {
      queue.close();
      if (thread.joinable()) thread.join();
    }
  };

  Worker& worker_of(const Event& event) {
    const std::hash<std::string_view> hash;
    return *workers_[(hash(event.name) + 31 * hash(event.ns)) % workers_.size()];
  }

  void work(Worker& worker) {
    bool failed = false;  // then batches are taken and dropped, so that the reader never waits in vain
    while (const auto batch = worker.queue.pop()) {
      try {
        if (!failed) count(batch->events);
      } catch (...) {
        failed = true;
        const std::lock_guard lock(mutex_);
        if (!error_) error_ = std::current_exception();
      }
    }
  }

  void count_gathered() {
    count(gathered_);
    gathered_.clear();
  }

  /// Throws what concerns the store and not a line.
  void count(std::span<const PlacedEvent> events) {
    std::array<livecount::NamedUpdate, most_gathered> updates;
    std::array<livecount::Errc, most_gathered> codes;
    while (!events.empty()) {
      const std::size_t size = std::min(events.size(), most_gathered);
      for (std::size_t i = 0; i < size; ++i) {
        const Event& event = events[i].event;
        updates[i] = {event.name,
                      {.periods = options_.periods,
                       .ns = event.ns,
                       .delta = event.delta,
                       .at = livecount::Time(event.at)}};
      }
      const std::span some(updates.data(), size);
      if (counter_.try_increment_many(some, std::span(codes.data(), size)) != 0) {
        for (std::size_t i = 0; i < size; ++i) {
          if (codes[i] != livecount::Errc::ok && codes[i] != livecount::Errc::not_yet_durable)
            count_again(updates[i], events[i].position);
        }
      }
      events = events.subspan(size);
    }
  }

  /// Once more what was refused, and so changed nothing, for the message. What had waited in vain for room, and finds some
  /// now, comes after others of its group.
  void count_again(const livecount::NamedUpdate& update, const Position& position) {
    using livecount::Errc;
    try {
      counter_.increment(update.name, update.update);
    } catch (const livecount::Error& error) {
      switch (error.code()) {
        case Errc::not_yet_durable: return;
        case Errc::name_too_long:
        case Errc::namespace_too_long:
        case Errc::time_out_of_range:
        case Errc::delta_out_of_range:
        case Errc::overflow:
        case Errc::expired: return rejections_.refused(position, error.what());
        default: throw;
      }
    }
  }

  void rethrow() {
    const std::lock_guard lock(mutex_);
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

  static constexpr std::size_t most_gathered = 64;

  Counter& counter_;
  const Options options_;
  Rejections& rejections_;
  std::vector<PlacedEvent> gathered_;  // with one thread, within a block
  std::mutex mutex_;
  std::exception_ptr error_;  // the first; under mutex_
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace program
