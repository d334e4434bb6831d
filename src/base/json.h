#pragma once
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <concepts>
#include <limits>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/json_traits.h"

// One codec between described values and JSON. Known are bool, integers, double, std::string, enums
// and structs that BOOST_DESCRIBE knows, base::Id, structs with a bare_member, and optional,
// vector, set and map of them. Map keys are strings, integers, enums or Ids.
namespace base {

/// Encodes any known value. Bytes that are no UTF-8 become U+FFFD, an empty optional member is left
/// out, and doubles that are no numbers become "NaN", "Infinity" or "-Infinity", so that whatever
/// is encoded can be parsed and decoded again. O(size).
template <class T>
boost::json::value to_json(const T& from);

/// Decodes a T, which must be default-constructible. On failure Error.field has the dotted path,
/// such as "bids[2].shape.ranks", and the message starts with it. O(size).
template <class T>
Result<T> from_json(const boost::json::value& from, Mode mode);

/// Encodes a variant of described structs as {"type": type_name, ...members}.
template <class... Ts>
boost::json::value variant_to_json(const std::variant<Ts...>& from);

/// Decodes what variant_to_json wrote. An unknown or missing type is an error of the mode's code.
template <class Variant>
Result<Variant> variant_from_json(const boost::json::value& from, Mode mode);

/// Writes compact JSON.
std::string to_text(const boost::json::value& value);

/// Parses one JSON text, nested no deeper than `max_depth`. The message names line and column.
Result<boost::json::value> parse_json(std::string_view text, std::size_t max_depth = 32);

/// Replaces every byte that is not part of valid UTF-8 by U+FFFD.
std::string valid_utf8(std::string_view text);
bool is_utf8(std::string_view text);

namespace detail {

/// The key that names the alternative of a variant.
inline constexpr const char* kTypeKey = "type";

template <class T>
boost::json::value write(const T& from);
template <class T>
bool read(Reader& reader, const boost::json::value& from, T& to);

boost::json::value write_string(std::string_view from);
boost::json::value write_double(double from);
bool read_double(Reader& reader, const boost::json::value& from, double& to);
bool read_string(Reader& reader, const boost::json::value& from, std::string& to);

template <class K>
std::string write_key(const K& key) {
  if constexpr (Bare<K>) {
    return write_key(key.*bare_member<K>);
  } else if constexpr (std::is_enum_v<K>) {
    return std::string(enum_name(key));
  } else if constexpr (std::integral<K>) {
    return std::to_string(key);
  } else {
    static_assert(std::is_same_v<K, std::string>, "no codec for this type of key");
    return is_utf8(key) ? key : valid_utf8(key);
  }
}

template <class K>
bool read_key(Reader& reader, std::string_view from, K& to) {
  if constexpr (Bare<K>) {
    return read_key(reader, from, to.*bare_member<K>);
  } else if constexpr (std::is_enum_v<K>) {
    return read_enum(reader, from, to);
  } else if constexpr (std::integral<K>) {
    const auto [end, error] = std::from_chars(from.data(), from.data() + from.size(), to);
    if (error == std::errc{} && end == from.data() + from.size()) return true;
    return reader.fail(fmt::format("expected a whole number as the key, got '{}'", from));
  } else {
    static_assert(std::is_same_v<K, std::string>, "no codec for this type of key");
    to = from;
    return true;
  }
}

/// True if an empty optional must be written as null, because leaving it out would mean a value.
template <class T, class Member>
bool means_a_value(Member T::* member) {
  if constexpr (std::is_default_constructible_v<T>) return (T{}.*member).has_value();
  return false;
}

template <class T>
void write_members(const T& from, boost::json::object& to) {
  boost::mp11::mp_for_each<Members<T>>([&](auto each) {
    const auto& member = from.*each.pointer;
    if constexpr (is_optional<std::remove_cvref_t<decltype(member)>>) {
      static const bool keep = means_a_value<T>(each.pointer);
      if (!member && !keep) return;
    }
    to.emplace(each.name, write(member));
  });
}

template <class T>
boost::json::value write_object(const T& from) {
  boost::json::object to;
  if constexpr (is_map<T>) {
    to.reserve(from.size());
    for (const auto& [key, item] : from) to.emplace(write_key(key), write(item));
  } else {
    to.reserve(kNames<Members<T>>.size());
    write_members(from, to);
  }
  return to;
}

template <class T>
boost::json::value write_list(const T& from) {
  boost::json::array to;
  to.reserve(from.size());
  for (auto&& item : from) to.push_back(write<typename T::value_type>(item));
  return to;
}

template <class T>
boost::json::value write(const T& from) {
  if constexpr (Bare<T>) {
    return write(from.*bare_member<T>);
  } else if constexpr (std::is_same_v<T, bool>) {
    return boost::json::value(from);
  } else if constexpr (std::signed_integral<T>) {
    return boost::json::value(std::int64_t{from});
  } else if constexpr (std::unsigned_integral<T>) {
    return boost::json::value(std::uint64_t{from});
  } else if constexpr (std::is_same_v<T, double>) {
    return write_double(from);
  } else if constexpr (std::is_same_v<T, std::string>) {
    return write_string(from);
  } else if constexpr (std::is_enum_v<T>) {
    const std::string_view name = enum_name(from);
    CHECK(!name.empty(), "an enum holds one of its enumerators");
    return boost::json::value(boost::json::string_view(name.data(), name.size()));
  } else if constexpr (is_optional<T>) {
    return from ? write(*from) : boost::json::value(nullptr);
  } else if constexpr (is_list<T>) {
    return write_list(from);
  } else {
    static_assert(is_map<T> || Described<T>, "describe this type or give it a bare_member");
    return write_object(from);
  }
}

template <std::integral T>
bool read_integer(Reader& reader, const boost::json::value& from, T& to) {
  constexpr double kExact = 9007199254740992.0;  // 2^53: whole numbers up to here are exact.
  if (const auto* number = from.if_int64(); number && std::in_range<T>(*number)) {
    to = static_cast<T>(*number);
    return true;
  }
  if (const auto* number = from.if_uint64(); number && std::in_range<T>(*number)) {
    to = static_cast<T>(*number);
    return true;
  }
  if (const auto* number = from.if_double(); number && std::abs(*number) <= kExact &&
                                             std::trunc(*number) == *number &&
                                             std::in_range<T>(static_cast<std::int64_t>(*number))) {
    to = static_cast<T>(*number);
    return true;
  }
  using Limits = std::numeric_limits<T>;
  return reader.no_integer(from, std::int64_t{std::is_signed_v<T> ? Limits::min() : T{0}},
                           std::uint64_t{std::make_unsigned_t<T>(Limits::max())});
}

template <class T>
bool read_list(Reader& reader, const boost::json::value& from, T& to) {
  const boost::json::array* list = from.if_array();
  if (!list) return reader.expected("a list", from);
  to.clear();
  if constexpr (requires { to.reserve(list->size()); }) to.reserve(list->size());
  for (std::size_t index = 0; index < list->size(); ++index) {
    typename T::value_type item{};
    if (!read(reader, (*list)[index], item)) return reader.inside(index);
    to.insert(to.end(), std::move(item));
  }
  return true;
}

template <class K, class V>
bool read_map(Reader& reader, const boost::json::value& from, std::map<K, V>& to) {
  const boost::json::object* object = from.if_object();
  if (!object) return reader.expected("an object", from);
  to.clear();
  for (const auto& entry : *object) {
    K key{};
    const std::string_view name(entry.key().data(), entry.key().size());
    if (!read_key(reader, name, key)) return false;
    V item{};
    if (!read(reader, entry.value(), item)) return reader.inside(name);
    to.insert_or_assign(to.end(), std::move(key), std::move(item));
  }
  return true;
}

/// Reads the members of T. `tag` is one more key that may be there; empty: none.
template <class T>
bool read_members(Reader& reader, const boost::json::value& from, T& to,
                  std::string_view tag = {}) {
  const boost::json::object* object = from.if_object();
  if (!object) return reader.expected("an object", from);
  std::size_t seen = tag.empty() ? 0 : 1;
  bool good = true;
  boost::mp11::mp_for_each<Members<T>>([&](auto each) {
    if (!good) return;
    const boost::json::value* item = object->if_contains(each.name);
    if (!item) return;
    ++seen;
    good = read(reader, *item, to.*each.pointer) || reader.inside(each.name);
  });
  if (good && reader.strict() && seen != object->size()) {
    return reader.unknown_key(*object, kNames<Members<T>>, tag);
  }
  return good;
}

template <class T>
bool read(Reader& reader, const boost::json::value& from, T& to) {
  if constexpr (Bare<T>) {
    return read(reader, from, to.*bare_member<T>);
  } else if constexpr (std::is_same_v<T, bool>) {
    if (!from.is_bool()) return reader.expected("true or false", from);
    to = from.get_bool();
    return true;
  } else if constexpr (std::integral<T>) {
    return read_integer(reader, from, to);
  } else if constexpr (std::is_same_v<T, double>) {
    return read_double(reader, from, to);
  } else if constexpr (std::is_same_v<T, std::string>) {
    return read_string(reader, from, to);
  } else if constexpr (std::is_enum_v<T>) {
    const boost::json::string* name = from.if_string();
    if (!name) return reader.expected("a string", from);
    return read_enum(reader, {name->data(), name->size()}, to);
  } else if constexpr (is_optional<T>) {
    to.reset();
    return from.is_null() || read(reader, from, to.emplace());
  } else if constexpr (is_list<T>) {
    return read_list(reader, from, to);
  } else if constexpr (is_map<T>) {
    return read_map(reader, from, to);
  } else {
    static_assert(Described<T>, "describe this type or give it a bare_member");
    return read_members(reader, from, to);
  }
}

template <class... Ts>
bool read_variant(Reader& reader, const boost::json::value& from, std::variant<Ts...>& to) {
  const boost::json::object* object = from.if_object();
  if (!object) return reader.expected("an object", from);
  const boost::json::value* tag = object->if_contains(kTypeKey);
  if (!tag) return reader.fail("the key 'type' is missing");
  std::string name;
  if (!read_string(reader, *tag, name)) return reader.inside(kTypeKey);
  bool good = false;
  const auto take = [&]<class T>(std::type_identity<T>) {
    if (name != type_name<T>()) return false;
    good = read_members(reader, from, to.template emplace<T>(), kTypeKey);
    return true;
  };
  if ((take(std::type_identity<Ts>{}) || ...)) return good;
  constexpr std::array<std::string_view, sizeof...(Ts)> kTypes{type_name<Ts>()...};
  return reader.no_choice(name, kTypes) || reader.inside(kTypeKey);
}

}  // namespace detail

template <class T>
boost::json::value to_json(const T& from) {
  return detail::write(from);
}

template <class T>
Result<T> from_json(const boost::json::value& from, Mode mode) {
  detail::Reader reader(mode);
  T to{};
  if (!detail::read(reader, from, to)) return std::unexpected(std::move(reader).error());
  return to;
}

template <class... Ts>
boost::json::value variant_to_json(const std::variant<Ts...>& from) {
  return std::visit(
      []<class T>(const T& alternative) -> boost::json::value {
        boost::json::object to;
        to.reserve(1 + detail::kNames<detail::Members<T>>.size());
        to.emplace(detail::kTypeKey, detail::write_string(type_name<T>()));
        detail::write_members(alternative, to);
        return to;
      },
      from);
}

template <class Variant>
Result<Variant> variant_from_json(const boost::json::value& from, Mode mode) {
  detail::Reader reader(mode);
  Variant to{};
  if (!detail::read_variant(reader, from, to)) return std::unexpected(std::move(reader).error());
  return to;
}

}  // namespace base
