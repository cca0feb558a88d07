// SPDX-License-Identifier: BSL-1.0
// The user's on_error. It is called by threads that hold no lock, but that others may be waiting for, and so it cannot
// wait for them: operations that would are refused inside of it (Errc::inside_handler).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "../error.hpp"

namespace livecount::inline v0_1::detail {

/// Any thread.
class ErrorHandler {
 public:
  explicit ErrorHandler(std::function<void(const Error&)> handler) : handler_(std::move(handler)) {}

  void tell(Errc code, std::string_view message, const char* where) const noexcept {
    if (!handler_) return;
    const Frame frame{this, innermost_};
    innermost_ = &frame;
    try {
      handler_(Error(code, std::string(message), where));
    } catch (...) {  // a handler that throws has told us nothing that we could act on
    }
    innermost_ = frame.outer;
  }

  /// Whether this thread is inside of it.
  [[nodiscard]] bool inside() const noexcept {
    const Frame* frame = innermost_;
    while (frame && frame->handler != this) frame = frame->outer;
    return frame != nullptr;
  }

 private:
  struct Frame {  // one for each handler that this thread is inside of
    const ErrorHandler* handler;
    const Frame* outer;
  };
  static inline constinit thread_local const Frame* innermost_ = nullptr;

  const std::function<void(const Error&)> handler_;
};

}  // namespace livecount::inline v0_1::detail
