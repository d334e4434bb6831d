#include "cli/amounts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace cli {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_digit);
}

struct ByteUnit {
  std::string_view name;
  std::int64_t bytes;
};
constexpr std::int64_t kKi = 1024;
constexpr std::array<ByteUnit, 14> kByteUnits{{{"", 1},
                                               {"B", 1},
                                               {"K", kKi},
                                               {"KiB", kKi},
                                               {"KB", 1'000},
                                               {"M", kKi* kKi},
                                               {"MiB", kKi* kKi},
                                               {"MB", 1'000'000},
                                               {"G", kKi* kKi* kKi},
                                               {"GiB", kKi* kKi* kKi},
                                               {"GB", 1'000'000'000},
                                               {"T", kKi* kKi* kKi* kKi},
                                               {"TiB", kKi* kKi* kKi* kKi},
                                               {"TB", 1'000'000'000'000}}};
constexpr std::int64_t kMostBytes = std::int64_t{1} << 50;

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    const auto low = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return low(x) == low(y);
  });
}

/// Whole and fraction of `value` in units of 1 / 10^places, at least `least` decimals.
std::string decimals(std::int64_t value, int places, int least) {
  std::int64_t scale = 1;
  for (int i = 0; i < places; ++i) scale *= 10;
  std::string text = fmt::format("{}.{:0{}}", value / scale, value % scale, places);
  int shown = places;
  while (shown > least && text.back() == '0') {
    text.pop_back();
    --shown;
  }
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace

std::optional<std::int64_t> parse_decimal(std::string_view text, int places) {
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  std::string digits(whole);
  if (!all_digits(whole) || whole.size() > 12) return std::nullopt;
  std::string fraction;
  if (point != std::string_view::npos) {
    fraction = text.substr(point + 1);
    if (!all_digits(fraction) || fraction.size() > static_cast<std::size_t>(places)) {
      return std::nullopt;
    }
  }
  fraction.resize(static_cast<std::size_t>(places), '0');
  digits += fraction;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{}) return std::nullopt;
  return value;
}

base::Result<std::int64_t> parse_bytes(std::string_view text) {
  const auto end = std::ranges::find_if(text, [](char c) { return !is_digit(c) && c != '.'; });
  const auto thousandths = parse_decimal({text.begin(), end}, 3);
  std::string_view unit(end, text.end());
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  for (const ByteUnit& known : kByteUnits) {
    if (!thousandths || !same_word(unit, known.name)) continue;
    if (*thousandths / 1000 > kMostBytes / known.bytes) break;
    const std::int64_t whole = *thousandths / 1000 * known.bytes;
    return whole + *thousandths % 1000 * known.bytes / 1000;
  }
  return base::invalid("memory", "'{}' is no amount of memory; write 2GiB, 512MB or 16G", text);
}

base::Result<domain::Money> parse_credits(std::string_view text) {
  const auto micros = parse_decimal(text, 6);
  if (!micros) {
    return base::invalid("credits", "'{}' is no amount of credits; write 12 or 0.25", text);
  }
  return domain::Money{*micros};
}

base::Result<std::int64_t> parse_cores(std::string_view text) {
  const auto millis = parse_decimal(text, 3);
  if (!millis || *millis <= 0 || *millis > 1'000'000'000) {
    return base::invalid("cores", "'{}' is no number of cores; write 4 or 0.5", text);
  }
  return *millis;
}

base::Result<std::int32_t> parse_whole(std::string_view text, std::int32_t least,
                                       std::int32_t most) {
  const bool is_negative = least < 0 && text.starts_with('-');
  const std::string_view digits = text.substr(is_negative ? 1 : 0);
  const bool is_short = all_digits(digits) && digits.size() <= 9;
  auto value = is_short ? parse_decimal(digits, 0) : std::nullopt;
  if (value && is_negative) value = -*value;
  if (!value || *value < least || *value > most) {
    return base::invalid("", "expected a whole number from {} to {}, got '{}'", least, most, text);
  }
  return static_cast<std::int32_t>(*value);
}

base::Result<GpuWish> parse_gpus(std::string_view text) {
  constexpr std::int32_t kMost = 1024;
  const std::size_t colon = text.rfind(':');
  const std::string_view count = colon == std::string_view::npos ? text : text.substr(colon + 1);
  GpuWish wish;
  if (colon != std::string_view::npos) wish.model = text.substr(0, colon);
  const bool is_model = colon == std::string_view::npos && !all_digits(text) && !text.empty();
  if (is_model) {
    wish = {1, std::string(text)};
  } else if (const auto number = parse_whole(count, 0, kMost)) {
    wish.count = *number;
  } else {
    return base::invalid("gpus", "'{}' is no number of GPUs; write 2 or A100:2", text);
  }
  const bool has_name = std::ranges::all_of(wish.model, [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
  });
  const bool is_odd = wish.model.starts_with('-') || wish.model.starts_with('.');
  const bool is_cut = colon != std::string_view::npos && wish.model.empty();
  if (!has_name || is_odd || is_cut) {
    return base::invalid("gpus", "'{}' names no GPU model; write 2 or A100:2", text);
  }
  return wish;
}

std::string show_credits(domain::Money amount) {
  const bool is_negative = amount.micros < 0;
  const std::int64_t micros = is_negative ? -amount.micros : amount.micros;
  if (micros > 0 && micros < 50) return is_negative ? "-<0.0001" : "<0.0001";
  return (is_negative ? "-" : "") + decimals((micros + 50) / 100, 4, 2);
}

std::string enough_credits(domain::Money amount) {
  return decimals((amount.micros + 99) / 100, 4, 0);
}

std::string show_bytes(std::int64_t bytes) {
  constexpr std::array<std::string_view, 5> kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  std::int64_t scale = 1;
  while (unit + 1 < kUnits.size() && bytes / scale >= kKi) {
    scale *= kKi;
    ++unit;
  }
  const std::int64_t whole = bytes / scale;
  const std::int64_t tenth = bytes % scale * 10 / scale;
  if (tenth == 0 || whole >= 100) return fmt::format("{} {}", whole, kUnits[unit]);
  return fmt::format("{}.{} {}", whole, tenth, kUnits[unit]);
}

std::string typed_bytes(std::int64_t bytes) {
  constexpr std::int64_t kMebibyte = kKi * kKi;
  const std::int64_t mebibytes = bytes / kMebibyte;
  if (mebibytes == 0) return std::to_string(bytes);
  if (mebibytes % kKi == 0) return fmt::format("{}G", mebibytes / kKi);
  return fmt::format("{}M", mebibytes);
}

std::string show_cores(std::int64_t cpu_millis) { return decimals(cpu_millis, 3, 0); }

}  // namespace cli
