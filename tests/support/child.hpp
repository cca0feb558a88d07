// SPDX-License-Identifier: BSL-1.0
// A forked child that runs a function and says whether it was content.
#pragma once

#include <chrono>
#include <csignal>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

namespace livecount::tests {

/// What the function threw in a forked child; empty if it returned. It ends without the child's destructors or exit
/// handlers. A child that hangs is killed after a while.
template <class F>
std::string run_in_child(F f) {
  int message[2];
  if (::pipe(message) != 0) throw std::runtime_error("no pipe");
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("no fork");
  if (child == 0) {
    std::string said;
    try {
      f();
    } catch (const std::exception& error) {
      said = std::string("threw: ") + error.what();
    } catch (...) {
      said = "threw something";
    }
    if (::write(message[1], said.data(), said.size()) < 0) ::_exit(2);
    ::_exit(0);
  }
  ::close(message[1]);
  int status = 0;
  for (int i = 0; ::waitpid(child, &status, WNOHANG) == 0; ++i) {
    if (i == 30'000) ::kill(child, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  char said[512];
  const ssize_t size = ::read(message[0], said, sizeof said);
  ::close(message[0]);
  if (!WIFEXITED(status)) return "ended by signal " + std::to_string(WTERMSIG(status)) + " (9: it hung)";
  return {said, static_cast<std::size_t>(size > 0 ? size : 0)};
}

/// For use in a child, where a test's own checks would print into the parent's report.
inline void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(what);
}

}  // namespace livecount::tests
