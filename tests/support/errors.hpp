// SPDX-License-Identifier: BSL-1.0
// What a call throws, as a value.
#pragma once

#include <livecount/error.hpp>
#include <optional>
#include <string>

namespace livecount::tests {

/// Nothing if f throws no Error.
template <class F>
[[nodiscard]] std::optional<Error> error_of(F f) {
  try {
    f();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

template <class F>
[[nodiscard]] Errc code_of(F f) {
  const std::optional<Error> error = error_of(f);
  return error ? error->code() : Errc::ok;
}

}  // namespace livecount::tests
