#include "base/json_text.h"

#include <algorithm>
#include <charconv>

namespace base::detail {
namespace {

template <class Number>
void append_digits(std::string& to, Number from) {
  char digits[24];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, from);
  to.append(digits, end);
}

}  // namespace

void append_number(std::string& to, std::int64_t from) { append_digits(to, from); }
void append_number(std::string& to, std::uint64_t from) { append_digits(to, from); }

void append_string(std::string& to, std::string_view from) {
  const bool plain = std::all_of(from.begin(), from.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x80 &&
           c != '"' && c != '\\';
  });
  if (!plain) {
    to += to_text(write_string(from));
    return;
  }
  to += '"';
  to += from;
  to += '"';
}

}  // namespace base::detail
