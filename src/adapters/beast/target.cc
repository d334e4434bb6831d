#include "adapters/beast/target.h"

#include <algorithm>
#include <array>
#include <optional>

namespace adapters::beast {
namespace {

using base::Result;

std::optional<unsigned char> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned char>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned char>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned char>(c - 'A' + 10);
  return std::nullopt;
}

/// How many bytes the character that starts with `first` has, and its smallest code point; a
/// smaller one there is an overlong encoding.
struct Utf8Start {
  std::size_t bytes;
  char32_t smallest;
  char32_t bits;
};

std::optional<Utf8Start> utf8_start(unsigned char first) {
  if (first < 0x80) return Utf8Start{1, 0, first};
  if ((first & 0xe0U) == 0xc0) return Utf8Start{2, 0x80, first & 0x1fU};
  if ((first & 0xf0U) == 0xe0) return Utf8Start{3, 0x800, first & 0x0fU};
  if ((first & 0xf8U) == 0xf0) return Utf8Start{4, 0x1'0000, first & 0x07U};
  return std::nullopt;
}

/// True for UTF-8 without control characters.
bool is_text(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto start = utf8_start(static_cast<unsigned char>(bytes.front()));
    if (!start || bytes.size() < start->bytes) return false;
    char32_t code_point = start->bits;
    for (const char c : bytes.substr(1, start->bytes - 1)) {
      const auto byte = static_cast<unsigned char>(c);
      if ((byte & 0xc0U) != 0x80) return false;
      code_point = (code_point << 6U) | (byte & 0x3fU);
    }
    const bool is_surrogate = code_point >= 0xd800 && code_point < 0xe000;
    const bool is_control = code_point < 0x20 || code_point == 0x7f;
    if (code_point < start->smallest || code_point > 0x10'ffff || is_surrogate || is_control) {
      return false;
    }
    bytes.remove_prefix(start->bytes);
  }
  return true;
}

Result<std::string> decode(std::string_view encoded, std::string_view field) {
  std::string text;
  text.reserve(encoded.size());
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    if (encoded[i] == '+' && field == "query") {
      text += ' ';
    } else if (encoded[i] != '%') {
      text += encoded[i];
    } else {
      const auto high = i + 2 < encoded.size() ? hex_digit(encoded[i + 1]) : std::nullopt;
      const auto low = high ? hex_digit(encoded[i + 2]) : std::nullopt;
      if (!low) return base::invalid(field, "'%' must be followed by two hexadecimal digits");
      text += static_cast<char>(*high * 16 + *low);
      i += 2;
    }
  }
  if (!is_text(text)) {
    return base::invalid(field, "the {} must be UTF-8 without control characters", field);
  }
  return text;
}

/// Drops "scheme://authority" from the form of a target that proxies use.
std::string_view without_origin(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!target.starts_with(scheme)) continue;
    target.remove_prefix(scheme.size());
    target.remove_prefix(std::min(target.find_first_of("/?"), target.size()));
    return target.empty() ? "/" : target;
  }
  return target;
}

bool climbs(std::string_view path) {
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    if (path.substr(0, slash) == "..") return true;
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return false;
}

Result<std::map<std::string, std::string>> decode_query(std::string_view text) {
  std::map<std::string, std::string> query;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto key = decode(pair.substr(0, equals), "query");
    if (!key) return base::pass(key);
    auto value = decode(pair.substr(std::min(equals + 1, pair.size())), "query");
    if (!value) return base::pass(value);
    query.insert_or_assign(*std::move(key), *std::move(value));
  }
  return query;
}

void append_encoded(std::string& out, std::string_view text, std::string_view plain) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_alphanumeric =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (is_alphanumeric || plain.contains(c)) {
      out += c;
    } else {
      out += {'%', kDigits[byte >> 4U], kDigits[byte & 0xfU]};
    }
  }
}

}  // namespace

Result<Target> decode_target(std::string_view target) {
  target = without_origin(target);
  const std::size_t question = std::min(target.find('?'), target.size());
  auto path = decode(target.substr(0, question), "path");
  if (!path) return base::pass(path);
  if (!path->starts_with('/')) return base::invalid("path", "the path must start with '/'");
  if (climbs(*path)) return base::invalid("path", "the path must not contain '..'");
  auto query = decode_query(target.substr(std::min(question + 1, target.size())));
  if (!query) return base::pass(query);
  return Target{*std::move(path), *std::move(query)};
}

std::string encode_target(std::string_view path, const std::map<std::string, std::string>& query) {
  std::string target;
  append_encoded(target, path, "/-._~:@!$'()*,;=");
  char separator = '?';
  for (const auto& [key, value] : query) {
    target += separator;
    separator = '&';
    append_encoded(target, key, "-._~");
    target += '=';
    append_encoded(target, value, "-._~");
  }
  return target;
}

}  // namespace adapters::beast
