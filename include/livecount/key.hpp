// SPDX-License-Identifier: BSL-1.0
//
// Key: what identifies one count: namespace, bucket, name.
//
// Namespaces and names are opaque bytes, compared bytewise; both may be empty. Every key has a text,
// "namespace:period_type:scope:name". The text is for people and for export, it is not the identity: a
// namespace with a colon in it makes a text that some other key may have too, and to_text says so.
//
//     Key key{"default", parse_scope(PeriodType::day, "2011-06-15"), "foo"};
//     to_text(key).text == "default:day:2011-06-15:foo";
//     parse_key("default:day:2011-06-15:foo") == key;
//
// Threads: keys are values; a KeyView refers to bytes that its maker keeps alive.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <string>
#include <string_view>

#include "detail/quote.hpp"
#include "error.hpp"
#include "period.hpp"

namespace livecount::inline v0_1 {

/// The namespace of updates that name none.
inline constexpr std::string_view default_namespace = "default";

namespace detail {
/// Whether it is that one: of an update that names none without a look at the bytes.
[[nodiscard, gnu::always_inline]] constexpr bool is_default(std::string_view ns) noexcept {
  return ns.size() == default_namespace.size() &&
         (ns.data() == default_namespace.data() || ns == default_namespace);
}
}  // namespace detail

/// Ordered by namespace, period type, time, name.
struct KeyView {
  std::string_view ns;
  Bucket bucket;
  std::string_view name;

  friend constexpr auto operator<=>(const KeyView&, const KeyView&) = default;
};

/// The same, with bytes of its own.
struct Key {
  std::string ns;
  Bucket bucket;
  std::string name;

  operator KeyView() const noexcept { return {ns, bucket, name}; }  // NOLINT(google-explicit-constructor)
  friend auto operator<=>(const Key&, const Key&) = default;
};

/// For maps by Key, so that a KeyView is enough to ask.
struct KeyLess {
  using is_transparent = void;
  bool operator()(const KeyView& a, const KeyView& b) const noexcept { return a < b; }
};

struct KeyText {
  std::string text;
  bool reversible;  // parse_key makes the same key of it: the namespace has no colon
};

/// "period_type:scope:name": unique within a namespace.
/// Throws: Error{time_out_of_range} if the bucket is outside the years 1400 to 9999.
[[nodiscard]] inline std::string to_partial_text(const KeyView& key) {
  const std::string_view type = to_string(key.bucket.type);
  const std::string scope = to_scope(key.bucket);
  std::string text;
  text.reserve(type.size() + scope.size() + key.name.size() + 2);
  text.append(type).append(1, ':').append(scope).append(1, ':').append(key.name);
  return text;
}

/// "namespace:period_type:scope:name". Throws: as to_partial_text.
[[nodiscard]] inline KeyText to_text(const KeyView& key) {
  const bool reversible = key.ns.find(':') == std::string_view::npos;
  return {std::string(key.ns).append(1, ':').append(to_partial_text(key)), reversible};
}

/// Reads the text of a key. The namespace reaches to the first colon, the name is all that follows the scope.
/// Throws: Error{invalid_text}, Error{time_out_of_range}.
[[nodiscard]] inline Key parse_key(std::string_view text, WeekStart week_start = WeekStart::monday) {
  const auto refuse = [&](const char* reason) {
    return Error(
        Errc::invalid_text,
        detail::quote(text) + " is no key: " + reason + "; a key looks like \"default:day:2011-06-15:name\"",
        "parse_key");
  };
  const std::size_t ns_end = text.find(':');
  if (ns_end == std::string_view::npos) throw refuse("it has no colon after a namespace");
  std::string_view rest = text.substr(ns_end + 1);
  const std::size_t type_end = rest.find(':');
  if (type_end == std::string_view::npos) throw refuse("it has no colon after a period type");
  const PeriodType type = parse_period_type(rest.substr(0, type_end));
  rest.remove_prefix(type_end + 1);
  const std::size_t scope_end = detail::scope_example(type).size();  // a scope may contain colons
  if (rest.size() <= scope_end || rest[scope_end] != ':') throw refuse("it has no colon after a scope");
  const Bucket bucket = parse_scope(type, rest.substr(0, scope_end), week_start);
  return {std::string(text.substr(0, ns_end)), bucket, std::string(rest.substr(scope_end + 1))};
}

}  // namespace livecount::inline v0_1
