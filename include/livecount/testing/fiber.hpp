// SPDX-License-Identifier: BSL-1.0
// A function with a stack of its own that can be left in the middle and gone on with later: what an explorer runs in
// place of a thread, so that it decides who goes on. Not for ThreadSanitizer, which does not follow such switches.
//
// ucontext only makes the stack: each of its switches asks the kernel for the mask of signals, twice, and exploring is
// little else than switching. So a fiber is left and gone on with by the compiler's own setjmp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdlib>
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
    body_ = std::move(body);
    exceptions_ = {};
    next_ = start_;
    if (stack_) return;
    stack_ = std::make_unique_for_overwrite<std::byte[]>(stack_size);
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
    from.has_run_ = true;
    if (__builtin_setjmp(from.next_.data()) == 0) go_on(to);
  }

 private:
  static constexpr std::size_t stack_size = 256 * 1024;

  struct Exceptions {  // __cxa_eh_globals of the Itanium C++ ABI
    void* caught = nullptr;
    unsigned int uncaught = 0;
  };

  using Place = std::array<void*, 5>;  // as __builtin_setjmp asks for

  [[noreturn, gnu::noinline]] static void go_on(Fiber& to) {
    if (to.has_run_) __builtin_longjmp(to.next_.data(), 1);
    to.has_run_ = true;
    ::setcontext(&to.context_);
    std::abort();
  }
  static void enter() {
    (void)__builtin_setjmp(entering_->start_.data());  // whenever it begins anew
    entering_->body_();
  }

  Place start_{};
  Place next_{};  // where it goes on
  bool has_run_ = false;
  ucontext_t context_{};
  std::unique_ptr<std::byte[]> stack_;
  std::function<void()> body_;
  Exceptions exceptions_;
  static inline thread_local Fiber* entering_ = nullptr;
};

}  // namespace livecount::inline v0_1::testing
