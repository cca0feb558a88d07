// SPDX-License-Identifier: BSL-1.0
// Programs that a benchmark starts and stops: servers on sockets in its temporary folder.
#pragma once

#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace bench {

/// A user without rights, for what refuses to run as root; nothing if we are not root.
[[nodiscard]] inline const passwd* other_user() { return geteuid() == 0 ? getpwnam("nobody") : nullptr; }

class Process {
 public:
  /// `stop`: the signal at which it ends orderly. It also ends when this process dies.
  Process(const std::vector<std::string>& command, const std::string& log, int stop,
          const passwd* user = nullptr)
      : stop_(stop), id_(fork()) {
    if (id_ != 0) return;
    if (user && (setgroups(0, nullptr) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0))
      _exit(127);
    prctl(PR_SET_PDEATHSIG, stop);
    if (!freopen(log.c_str(), "a", stdout) || !freopen(log.c_str(), "a", stderr)) _exit(127);
    std::vector<char*> arguments;
    for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  ~Process() {
    if (id_ <= 0 || ended_) return;
    kill(id_, stop_);
    if (!wait(std::chrono::seconds(10))) {
      kill(id_, SIGKILL);
      waitpid(id_, nullptr, 0);
    }
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// Whether it has ended within that time.
  [[nodiscard]] bool wait(std::chrono::milliseconds most) {
    for (const auto until = std::chrono::steady_clock::now() + most; !ended_;) {
      ended_ = id_ <= 0 || waitpid(id_, &status_, WNOHANG) != 0;
      if (!ended_ && std::chrono::steady_clock::now() > until) return false;
      if (!ended_) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return true;
  }
  [[nodiscard]] bool succeeded() const { return ended_ && WIFEXITED(status_) && WEXITSTATUS(status_) == 0; }

 private:
  const int stop_;
  const pid_t id_;
  int status_ = -1;
  bool ended_ = false;
};

/// Where a program is: among the rivals that bench/install_rivals.sh has unpacked, or on the system; empty if nowhere.
[[nodiscard]] inline std::string find_program(const std::string& path) {
  for (const std::string& root : {std::string(LIVECOUNT_RIVALS), std::string()}) {
    const std::string program = root + path;
    if (access(program.c_str(), X_OK) == 0) return program;
  }
  return {};
}

}  // namespace bench
