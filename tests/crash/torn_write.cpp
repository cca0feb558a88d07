// SPDX-License-Identifier: BSL-1.0
// A library to be preloaded: stops the n-th write to a file after a part of its bytes, in all threads together.
//
//   LIVECOUNT_TORN_WRITE="N PART ACTION": of the N-th write only PART percent are written. ACTION is `kill`: then the
//   process dies; or `short`: then the call says how many bytes it wrote, from the N-th on at every 3rd write.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <dlfcn.h>
#include <sys/types.h>
#include <unistd.h>

namespace {

struct Plan {
  long number = 0;
  unsigned long part = 0;
  bool kill = false;

  Plan() {
    char action[16] = "";
    const char* const text = std::getenv("LIVECOUNT_TORN_WRITE");
    if (text && std::sscanf(text, "%ld %lu %15s", &number, &part, action) == 3)
      kill = std::strcmp(action, "kill") == 0;
  }
};

std::atomic<long> writes{0};

/// How many of the bytes are to be written.
template <class Write>
ssize_t torn(size_t size, Write write) {
  static const Plan plan;
  if (plan.number == 0 || size < 2) return write(size);  // one byte cannot be torn
  const long number = ++writes;
  const size_t part = std::clamp<size_t>(size * plan.part / 100, 1, size - 1);
  if (plan.kill && number == plan.number) {
    (void)write(part);
    ::kill(::getpid(), SIGKILL);
  }
  if (!plan.kill && number >= plan.number && (number - plan.number) % 3 == 0) return write(part);
  return write(size);
}

template <class Function>
Function* original(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

ssize_t write(int file, const void* bytes, size_t size) {
  static const auto next = original<ssize_t(int, const void*, size_t)>("write");
  if (file <= 2) return next(file, bytes, size);
  return torn(size, [&](size_t part) { return next(file, bytes, part); });
}

ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t offset) {
  static const auto next = original<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
  return torn(size, [&](size_t part) { return next(file, bytes, part, offset); });
}

ssize_t pwrite(int file, const void* bytes, size_t size, off_t offset) {
  return pwrite64(file, bytes, size, offset);
}

}  // extern "C"
