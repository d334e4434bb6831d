#include <algorithm>
#include <array>

#include "replay/trace.h"

namespace replay {
namespace {

// The fields of a line that matter here, counted from 0; -1 in them means that nobody knows.
constexpr std::size_t kSubmit = 1;
constexpr std::size_t kRunTime = 3;
constexpr std::size_t kAllocated = 4;
constexpr std::size_t kRequested = 7;
constexpr std::size_t kGroup = 12;
constexpr std::size_t kFields = 18;
constexpr std::array kNames{"submit time", "run time", "allocated processors",
                            "requested processors", "group"};
constexpr std::array kWanted{kSubmit, kRunTime, kAllocated, kRequested, kGroup};
constexpr std::int64_t kMostProcessors = 1'000'000;

/// The next word of `line`, which is taken off it.
std::string_view take_word(std::string_view& line) {
  const std::size_t first = line.find_first_not_of(" \t");
  line.remove_prefix(std::min(first, line.size()));
  const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

base::Result<std::array<std::int64_t, kWanted.size()>> read_fields(std::string_view line,
                                                                   std::int64_t number) {
  std::array<std::string_view, kFields> words;
  for (std::string_view& word : words) word = take_word(line);
  std::array<std::int64_t, kWanted.size()> values{};
  for (std::size_t i = 0; i < kWanted.size(); ++i) {
    const std::string_view word = words[kWanted[i]];
    const auto value = whole_number(word);
    if (!value)
      return base::invalid(kNames[i], "line {}: field {} ({}): \"{}\" is not a number", number,
                           kWanted[i] + 1, kNames[i], word.substr(0, 40));
    values[i] = *value;
  }
  return values;
}

}  // namespace

base::Result<Trace> parse_swf(std::string_view text) {
  Trace trace;
  for (std::int64_t number = 1; !text.empty(); ++number) {
    std::string_view line = take_line(text);
    const std::size_t first = line.find_first_not_of(" \t");
    if (first == std::string_view::npos || line[first] == ';') continue;
    auto fields = read_fields(line, number);
    if (!fields) return base::pass(fields);
    const auto [submit, run_time, allocated, requested, group] = *fields;
    const std::int64_t gpus = requested > 0 ? requested : allocated;
    if (run_time < 0 || gpus <= 0 || gpus > kMostProcessors) {
      ++trace.skipped;
      continue;
    }
    trace.jobs.push_back({submit,
                          run_time,
                          static_cast<std::int32_t>(gpus),
                          group < 0 ? "" : std::to_string(group),
                          {},
                          {}});
  }
  return trace;
}

}  // namespace replay
