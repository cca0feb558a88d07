// SPDX-License-Identifier: BSL-1.0
// Keys for tests in which namespace and period do not matter.
#pragma once

#include <livecount/key.hpp>
#include <string_view>

namespace livecount::tests {

[[nodiscard]] inline KeyView key_of(std::string_view name) { return {default_namespace, {}, name}; }

}  // namespace livecount::tests
