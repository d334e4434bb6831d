#include "base/json.h"

#include <algorithm>
#include <boost/json/kind.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/serialize.hpp>
#include <cstring>
#include <numeric>

namespace base {
namespace {

namespace json = boost::json;

std::string_view name_of(json::kind kind) {
  switch (kind) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "true or false";
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_:
      return "a number";
    case json::kind::string:
      return "a string";
    case json::kind::array:
      return "a list";
    case json::kind::object:
      return "an object";
  }
  return "something else";
}

/// Levenshtein distance, O(|a| |b|).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

/// The choice that `got` was probably meant to be; empty when none is near.
std::string_view nearest(std::string_view got, std::span<const std::string_view> choices) {
  constexpr std::size_t kLongest = 64;  // Nothing longer is a slip of the finger.
  if (got.size() > kLongest) return {};
  std::string_view best;
  std::size_t least = std::max<std::size_t>(2, got.size() / 3) + 1;
  for (const std::string_view choice : choices) {
    const std::size_t distance = edit_distance(got, choice);
    if (distance < least && distance < choice.size()) {
      least = distance;
      best = choice;
    }
  }
  return best;
}

/// Input shown in a message: short, on one line.
std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 80;
  std::string short_text = valid_utf8(text.substr(0, kMost));
  std::ranges::replace_if(short_text, [](unsigned char c) { return c < 0x20; }, ' ');
  if (text.size() > kMost) short_text += "...";
  return short_text;
}

/// How many bytes of valid UTF-8 start at text[0]; 0 if the byte there is not part of any.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                             : lead >= 0xE0 && lead <= 0xEF ? 3
                             : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                            : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90);
  const bool surrogate = lead == 0xED && byte(1) > 0x9F;
  const bool past_the_end = lead == 0xF4 && byte(1) > 0x8F;
  return overlong || surrogate || past_the_end ? 0 : length;
}

/// The length of the valid UTF-8 that `text` starts with.
std::size_t valid_prefix(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  std::size_t at = 0;
  while (at < text.size()) {
    std::uint64_t eight = kHighBits;
    if (text.size() - at >= sizeof eight) std::memcpy(&eight, text.data() + at, sizeof eight);
    if ((eight & kHighBits) == 0) {
      at += sizeof eight;
      continue;
    }
    const std::size_t length = sequence_length(text.substr(at));
    if (length == 0) break;
    at += length;
  }
  return at;
}

std::string join(std::span<const std::string_view> words) {
  std::string text;
  for (const std::string_view word : words) {
    if (!text.empty()) text += ", ";
    text += word;
  }
  return text;
}

}  // namespace

std::string to_text(const json::value& value) { return json::serialize(value); }

Result<json::value> parse_json(std::string_view text, std::size_t max_depth) {
  json::parse_options options;
  options.max_depth = max_depth;
  json::error_code error;
  try {
    json::parser parser({}, options);
    const std::size_t used = parser.write(text.data(), text.size(), error);
    if (!error) return parser.release();
    if (error == json::error::incomplete) {
      return base::fail(ErrorCode::invalid_argument, "not JSON: the text ends too early");
    }
    const std::string_view before = text.substr(0, used);
    const auto line = 1 + std::ranges::count(before, '\n');
    const std::size_t column = used - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0.
    return base::fail(ErrorCode::invalid_argument, "not JSON: {} in line {}, column {}",
                      error.message(), line, column);
  } catch (const std::exception& thrown) {
    return base::fail(ErrorCode::resource_exhausted, "cannot parse JSON: {}", thrown.what());
  }
}

bool is_utf8(std::string_view text) { return valid_prefix(text) == text.size(); }

std::string valid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const std::size_t good = valid_prefix(text);
    valid += text.substr(0, good);
    text.remove_prefix(good);
    if (text.empty()) break;
    valid += "\xEF\xBF\xBD";  // U+FFFD
    text.remove_prefix(1);
  }
  return valid;
}

namespace detail {

bool Reader::fail(std::string what) {
  what_ = std::move(what);
  return false;
}

bool Reader::expected(std::string_view wanted, const json::value& got) {
  return fail(fmt::format("expected {}, got {}", wanted, name_of(got.kind())));
}

bool Reader::no_integer(const json::value& got, std::int64_t least, std::uint64_t most) {
  if (!got.is_number()) return expected("a whole number", got);
  const double value = got.to_number<double>();
  if (got.is_double() && std::trunc(value) != value) {
    return fail(fmt::format("expected a whole number, got {}", value));
  }
  return fail(fmt::format("expected a whole number from {} to {}, got {}", least, most,
                          json::serialize(got)));
}

bool Reader::no_choice(std::string_view got, std::span<const std::string_view> choices) {
  const std::string_view near = nearest(got, choices);
  if (!near.empty()) {
    return fail(fmt::format("unknown value '{}'; did you mean '{}'? Accepted are {}", shown(got),
                            near, join(choices)));
  }
  return fail(fmt::format("unknown value '{}'; accepted are {}", shown(got), join(choices)));
}

bool Reader::unknown_key(const json::object& in, std::span<const std::string_view> known,
                         std::string_view tag) {
  for (const auto& entry : in) {
    const std::string_view key(entry.key().data(), entry.key().size());
    const bool is_tag = !tag.empty() && key == tag;  // An empty tag is none; an empty key is a key.
    if (is_tag || std::ranges::find(known, key) != known.end()) continue;
    unknown_ = shown(key);
    const std::string_view near = nearest(key, known);
    if (!near.empty()) {
      return fail(fmt::format("unknown key '{}'; did you mean '{}'?", unknown_, near));
    }
    return fail(fmt::format("unknown key '{}'; known are {}", unknown_, join(known)));
  }
  CHECK(false, "called only when a key is unknown");
}

bool Reader::inside(std::string_view key) {
  const std::string_view dot = path_.empty() || path_.front() == '[' ? "" : ".";
  path_ = fmt::format("{}{}{}", shown(key), dot, path_);
  return false;
}

bool Reader::inside(std::size_t index) {
  const std::string_view dot = path_.empty() || path_.front() == '[' ? "" : ".";
  path_ = fmt::format("[{}]{}{}", index, dot, path_);
  return false;
}

Error Reader::error() && {
  Error error{strict() ? ErrorCode::invalid_argument : ErrorCode::data_loss, std::move(what_),
              path_};
  if (!path_.empty()) error.message = fmt::format("{}: {}", path_, error.message);
  if (!unknown_.empty()) error.field += (path_.empty() ? "" : ".") + unknown_;
  return error;
}

json::value write_string(std::string_view from) {
  if (is_utf8(from)) return json::value(json::string_view(from.data(), from.size()));
  return json::value(valid_utf8(from));
}

json::value write_double(double from) {
  if (std::isfinite(from)) return json::value(from);
  return json::value(std::isnan(from) ? "NaN" : from > 0 ? "Infinity" : "-Infinity");
}

bool read_double(Reader& reader, const json::value& from, double& to) {
  if (from.is_number()) {
    to = from.to_number<double>();
    return true;
  }
  const json::string* name = from.if_string();
  if (!name || (*name != "NaN" && *name != "Infinity" && *name != "-Infinity")) {
    return reader.expected("a number", from);
  }
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  to = *name == "NaN"        ? std::numeric_limits<double>::quiet_NaN()
       : *name == "Infinity" ? kInfinity
                             : -kInfinity;
  return true;
}

bool read_string(Reader& reader, const json::value& from, std::string& to) {
  const json::string* text = from.if_string();
  if (!text) return reader.expected("a string", from);
  to.assign(text->data(), text->size());
  return true;
}

}  // namespace detail
}  // namespace base
