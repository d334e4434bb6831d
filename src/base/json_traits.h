#pragma once
#include <array>
#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <boost/describe/enumerators.hpp>
#include <boost/describe/members.hpp>
#include <boost/json/value.hpp>
#include <boost/mp11/algorithm.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.h"
#include "base/strong.h"

// What the codec of base/json.h knows of a type, and how it collects an error.
namespace base {

/// How strictly text is read. In both modes a wrong type or a number out of range is an error and a
/// missing key keeps the member's default.
enum class Mode {
  lenient,  ///< Facts, snapshots: unknown keys are ignored; errors have the code data_loss.
  strict,  ///< Requests, job files: unknown keys are errors; errors have the code invalid_argument.
};

/// Makes a struct read and write as its one member, not as an object, when specialised:
/// `template <> inline constexpr auto base::bare_member<Money> = &Money::micros;`
template <class T>
inline constexpr auto bare_member = nullptr;
template <class Tag, class Value>
inline constexpr auto bare_member<Id<Tag, Value>> = &Id<Tag, Value>::value;

/// The name of T in a tagged variant: as declared, without its namespace. Specialise it to keep the
/// name of a type that was renamed.
template <class T>
constexpr std::string_view type_name() {
  std::string_view name = __PRETTY_FUNCTION__;
  name = name.substr(name.rfind("T = ") + 4);
  name = name.substr(0, name.rfind(']'));
  const std::size_t scope = name.rfind("::");
  return scope == std::string_view::npos ? name : name.substr(scope + 2);
}

namespace detail {

/// Collects why a value cannot be decoded. The path is built on the way out of a failure, so
/// reading what is right costs nothing for it. Every member function that fails returns false.
class Reader {
 public:
  explicit Reader(Mode mode) : mode_(mode) {}
  bool strict() const { return mode_ == Mode::strict; }
  bool fail(std::string what);
  bool expected(std::string_view wanted, const boost::json::value& got);
  bool no_integer(const boost::json::value& got, std::int64_t least, std::uint64_t most);
  bool no_choice(std::string_view got, std::span<const std::string_view> choices);
  bool unknown_key(const boost::json::object& in, std::span<const std::string_view> known,
                   std::string_view tag);
  bool inside(std::string_view key);
  bool inside(std::size_t index);
  Error error() &&;

 private:
  Mode mode_;
  std::string what_;
  std::string path_;
  std::string unknown_;
};

template <class T>
concept Bare = !std::is_null_pointer_v<std::remove_cv_t<decltype(bare_member<T>)>>;
template <class T>
concept Described = boost::describe::has_describe_members<T>::value && !std::is_union_v<T>;
template <class T>
using Members = boost::describe::describe_members<T, boost::describe::mod_public |
                                                         boost::describe::mod_inherited>;
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_map = false;
template <class K, class V>
inline constexpr bool is_map<std::map<K, V>> = true;
template <class T>
inline constexpr bool is_list = false;
template <class T>
inline constexpr bool is_list<std::vector<T>> = true;
template <class T>
inline constexpr bool is_list<std::set<T>> = true;
template <class T>
inline constexpr bool is_unknown = false;

/// A name as JSON has it: a C++ keyword is declared with a trailing underscore, which JSON drops.
constexpr std::string_view json_name(std::string_view declared) {
  if (declared.ends_with('_')) declared.remove_suffix(1);
  return declared;
}

/// The names in a list of described members or enumerators.
template <class Descriptors>
constexpr auto names_of() {
  std::array<std::string_view, boost::mp11::mp_size<Descriptors>::value> names{};
  std::size_t next = 0;
  boost::mp11::mp_for_each<Descriptors>([&](auto each) { names[next++] = json_name(each.name); });
  return names;
}
template <class Descriptors>
inline constexpr auto kNames = names_of<Descriptors>();

template <class E>
constexpr std::string_view enum_name(E from) {
  std::string_view name;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>([&](auto each) {
    if (each.value == from) name = json_name(each.name);
  });
  return name;
}

template <class E>
bool read_enum(Reader& reader, std::string_view name, E& to) {
  bool found = false;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>([&](auto each) {
    if (found || name != json_name(each.name)) return;
    to = each.value;
    found = true;
  });
  return found || reader.no_choice(name, kNames<boost::describe::describe_enumerators<E>>);
}

}  // namespace detail
}  // namespace base
