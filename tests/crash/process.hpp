// SPDX-License-Identifier: BSL-1.0
// Other processes: started, watched, stopped and killed.
#pragma once

#include <cerrno>
#include <chrono>
#include <csignal>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace livecount::crash {

/// How a process ended: 0..255 as it said itself, 256 + signal if one killed it.
using Ending = int;
[[nodiscard]] constexpr Ending killed_by(int signal) noexcept { return 256 + signal; }
[[nodiscard]] inline std::string show_ending(Ending ending) {
  return ending < 256 ? "ended with " + std::to_string(ending)
                      : "was killed by signal " + std::to_string(ending - 256);
}

/// A child process; killed and waited for at the end, if it still runs.
class Process {
 public:
  /// `prepare` runs in the child before it becomes the program.
  explicit Process(const std::vector<std::string>& command, const std::function<void()>& prepare = {}) {
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    id_ = ::fork();
    if (id_ < 0) throw std::runtime_error("cannot fork");
    if (id_ != 0) return;
    if (prepare) prepare();
    ::execvp(words[0], words.data());
    ::_exit(127);
  }
  ~Process() {
    if (id_ > 0) (void)kill();
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// -1 when it has ended.
  [[nodiscard]] pid_t id() const noexcept { return id_; }
  void signal(int number) const { ::kill(id_, number); }
  /// Returns when none of its threads runs any more.
  void stop() const {
    signal(SIGSTOP);
    int status = 0;
    while (::waitpid(id_, &status, WUNTRACED) < 0 && errno == EINTR) {
    }
  }
  Ending kill() {
    signal(SIGKILL);
    return wait();
  }
  Ending wait() {
    int status = 0;
    while (::waitpid(id_, &status, 0) < 0) {
      if (errno != EINTR) throw std::runtime_error("lost a child process");
    }
    id_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : killed_by(WTERMSIG(status));
  }
  /// Until the condition holds; false if the process ended before, or that took a minute.
  template <class Condition>
  [[nodiscard]] bool wait_until(Condition condition) {
    for (int i = 0; i < 300'000; ++i) {
      if (condition()) return true;
      siginfo_t ended{};
      if (::waitid(P_PID, static_cast<id_t>(id_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
          ended.si_pid != 0) {
        return condition();
      }
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    return false;
  }

 private:
  pid_t id_;
};

/// Runs a command to its end.
inline Ending run(const std::vector<std::string>& command) { return Process(command).wait(); }

}  // namespace livecount::crash
