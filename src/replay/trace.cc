#include "replay/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace replay {
namespace {

using namespace std::string_view_literals;

constexpr std::array kFormats{std::pair{"jobs"sv, Format::jobs},
                              std::pair{"itp"sv, Format::itp},
                              std::pair{"deadlines"sv, Format::deadlines},
                              std::pair{"philly"sv, Format::philly},
                              std::pair{"swf"sv, Format::swf},
                              std::pair{"ledger"sv, Format::ledger}};

base::Result<Trace> parse_as_written(Format format, std::string_view text) {
  if (format == Format::swf) return parse_swf(text);
  if (format == Format::ledger) return parse_ledger(text);
  return parse_csv(format, text);
}

}  // namespace

base::Result<Format> format_of(std::string_view name) {
  std::string names;
  for (const auto& [each, format] : kFormats) {
    if (each == name) return format;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", each);
  }
  return base::invalid("format", "no trace format \"{}\"; there are {}", name, names);
}

base::Result<Trace> parse(Format format, std::string_view text) {
  auto trace = parse_as_written(format, text);
  if (!trace) return trace;
  if (trace->jobs.empty()) return base::invalid("trace", "the trace has no jobs that use GPUs");
  std::stable_sort(trace->jobs.begin(), trace->jobs.end(),
                   [](const TraceJob& a, const TraceJob& b) { return a.submit_s < b.submit_s; });
  return trace;
}

std::vector<std::string_view> cells_of(std::string_view line) {
  std::vector<std::string_view> cells;
  while (true) {
    const std::size_t comma = line.find(',');
    cells.push_back(line.substr(0, comma));
    if (comma == std::string_view::npos) return cells;
    line.remove_prefix(comma + 1);
  }
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  constexpr double kMost = 1e12;
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_whole = error == std::errc{} && end == text.data() + text.size();
  if (!is_whole || !(std::abs(number) <= kMost)) return std::nullopt;
  return static_cast<std::int64_t>(std::floor(number));
}

}  // namespace replay
