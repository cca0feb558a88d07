// SPDX-License-Identifier: BSL-1.0
// A thread that gets no more memory after so many allocations. Include it in a program that also has
// out_of_memory.cpp, which replaces operator new.
#pragma once

namespace livecount::tests {

/// How many allocations the thread has left; negative: no end of them.
inline thread_local int allocations_left = -1;

/// While it lives, the thread's allocations fail after so many.
class OutOfMemory {
 public:
  explicit OutOfMemory(int after) noexcept { allocations_left = after; }
  ~OutOfMemory() { allocations_left = -1; }
  OutOfMemory(const OutOfMemory&) = delete;
  OutOfMemory& operator=(const OutOfMemory&) = delete;
};

/// While it lives, there is memory all the same.
class MemoryAgain {
 public:
  MemoryAgain() noexcept : left_(allocations_left) { allocations_left = -1; }
  ~MemoryAgain() { allocations_left = left_; }
  MemoryAgain(const MemoryAgain&) = delete;
  MemoryAgain& operator=(const MemoryAgain&) = delete;

 private:
  int left_;
};

}  // namespace livecount::tests
