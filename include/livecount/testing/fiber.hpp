// SPDX-License-Identifier: BSL-1.0
// A function with a stack of its own that can be left in the middle and gone on with later: what an explorer runs in
// place of a thread, so that it decides who goes on. Not for ThreadSanitizer, which does not follow such switches.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include <cxxabi.h>
#include <ucontext.h>

namespace livecount::inline v0_1::testing {

class Fiber {
 public:
  /// The one that is running already: it has the thread's stack.
  Fiber() = default;
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Makes it begin with `body` at the next switch to it. `body` must not return: its end is a switch to another one.
  void begin(std::function<void()> body) {
    if (!stack_) stack_ = std::make_unique_for_overwrite<std::byte[]>(stack_size);
    body_ = std::move(body);
    exceptions_ = {};
    ::getcontext(&context_);
    context_.uc_stack.ss_sp = stack_.get();
    context_.uc_stack.ss_size = stack_size;
    context_.uc_link = nullptr;
    ::makecontext(&context_, &Fiber::enter, 0);
  }

  /// Leaves the running one, `from`, for `to`; returns when somebody switches back.
  static void switch_to(Fiber& from, Fiber& to) {
    // What is being caught is kept in one list for each thread: each fiber needs its own.
    auto* const exceptions = reinterpret_cast<Exceptions*>(abi::__cxa_get_globals());
    from.exceptions_ = *exceptions;
    *exceptions = to.exceptions_;
    entering_ = &to;
    ::swapcontext(&from.context_, &to.context_);
  }

 private:
  static constexpr std::size_t stack_size = 256 * 1024;

  struct Exceptions {  // __cxa_eh_globals of the Itanium C++ ABI
    void* caught = nullptr;
    unsigned int uncaught = 0;
  };

  static void enter() { entering_->body_(); }

  ucontext_t context_{};
  std::unique_ptr<std::byte[]> stack_;
  std::function<void()> body_;
  Exceptions exceptions_;
  static inline thread_local Fiber* entering_ = nullptr;
};

}  // namespace livecount::inline v0_1::testing
