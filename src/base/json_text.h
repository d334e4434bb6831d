#pragma once
#include <string>

#include "base/json.h"

namespace base {

/// What to_text(to_json(from)) gives, byte by byte, without the values in between: several times as
/// fast for what is large. O(size).
template <class T>
std::string json_text(const T& from);

namespace detail {

void append_number(std::string& to, std::int64_t from);
void append_number(std::string& to, std::uint64_t from);
/// Quoted and escaped.
void append_string(std::string& to, std::string_view from);

template <class T>
void append(std::string& to, const T& from);

/// Whatever is between two brackets, separated by commas.
class Listing {
 public:
  Listing(std::string& to, char begin) : to_(to) { to_ += begin; }
  void next() {
    if (!first_) to_ += ',';
    first_ = false;
  }

 private:
  std::string& to_;
  bool first_ = true;
};

template <class T>
void append_members(std::string& to, const T& from) {
  Listing listing(to, '{');
  boost::mp11::mp_for_each<Members<T>>([&](auto each) {
    const auto& member = from.*each.pointer;
    if constexpr (is_optional<std::remove_cvref_t<decltype(member)>>) {
      static const bool keep = means_a_value<T>(each.pointer);
      if (!member && !keep) return;
    }
    listing.next();
    append_string(to, each.name);
    to += ':';
    append(to, member);
  });
  to += '}';
}

template <class K, class V>
void append_map(std::string& to, const std::map<K, V>& from) {
  Listing listing(to, '{');
  for (const auto& [key, item] : from) {
    listing.next();
    append_string(to, write_key(key));
    to += ':';
    append(to, item);
  }
  to += '}';
}

template <class T>
void append(std::string& to, const T& from) {
  if constexpr (Bare<T>) {
    append(to, from.*bare_member<T>);
  } else if constexpr (std::is_same_v<T, bool>) {
    to += from ? "true" : "false";
  } else if constexpr (std::signed_integral<T>) {
    append_number(to, std::int64_t{from});
  } else if constexpr (std::unsigned_integral<T>) {
    append_number(to, std::uint64_t{from});
  } else if constexpr (std::is_same_v<T, std::string>) {
    append_string(to, from);
  } else if constexpr (std::is_enum_v<T>) {
    const std::string_view name = enum_name(from);
    CHECK(!name.empty(), "an enum holds one of its enumerators");
    append_string(to, name);
  } else if constexpr (is_optional<T>) {
    from ? append(to, *from) : static_cast<void>(to += "null");
  } else if constexpr (is_list<T>) {
    Listing listing(to, '[');
    for (auto&& item : from) {
      listing.next();
      append<typename T::value_type>(to, item);
    }
    to += ']';
  } else if constexpr (is_map<T>) {
    append_map(to, from);
  } else if constexpr (Described<T>) {
    append_members(to, from);
  } else {
    to += to_text(write(from));
  }
}

}  // namespace detail

template <class T>
std::string json_text(const T& from) {
  std::string text;
  detail::append(text, from);
  return text;
}

}  // namespace base
