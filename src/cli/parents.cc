#include "cli/parents.h"

#include <algorithm>
#include <charconv>

namespace cli {
namespace {

using base::Result;
using domain::Dependency;
using domain::When;

constexpr std::int64_t kMostJobs = 1'000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && end == text.data() + text.size() && value > 0;
  return whole ? std::optional(value) : std::nullopt;
}

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find(by);
    parts.push_back(text.substr(0, at));
    if (at == text.npos) return parts;
    text.remove_prefix(at + 1);
  }
}

/// "12" or "12-31".
Result<> add_range(std::string_view text, When when, std::vector<Dependency>& into) {
  const std::size_t dash = text.find('-');
  const auto first = number(text.substr(0, dash));
  const auto last = dash == text.npos ? first : number(text.substr(dash + 1));
  if (!first || !last || *last < *first)
    return base::invalid("", "'{}' is no job; write 12, 12,14 or 12-31", text);
  if (*last - *first >= kMostJobs) return base::invalid("", "at most {} jobs", kMostJobs);
  for (std::int64_t job = *first; job <= *last; ++job) into.push_back({{job}, {}, when});
  return {};
}

}  // namespace

bool is_job_numbers(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return is_digit(c) || c == ',' || c == '-'; });
}

Result<std::vector<Dependency>> parse_parents(std::string_view text, When when) {
  std::vector<Dependency> parents;
  if (text.empty()) return base::invalid("", "a job's number or its name");
  if (!is_digit(text.front())) {
    parents.push_back({{}, std::string(text), when});
    return parents;
  }
  for (const std::string_view part : split(text, ',')) {
    if (auto good = add_range(part, when, parents); !good) return base::pass(good);
  }
  return parents;
}

Result<std::vector<Dependency>> parse_slurm_dependency(std::string_view text) {
  std::vector<Dependency> parents;
  for (const std::string_view part : split(text, ',')) {
    const auto words = split(part, ':');
    auto when = When::success;
    if (words[0] == "afterany") {
      when = When::any;
    } else if (words[0] == "afternotok") {
      when = When::failure;
    } else if (words[0] != "afterok") {
      return base::invalid("", "'{}' is not one of afterok, afterany, afternotok", words[0]);
    }
    if (words.size() < 2) return base::invalid("", "write {}:12", words[0]);
    for (std::size_t i = 1; i < words.size(); ++i) {
      if (auto good = add_range(words[i], when, parents); !good) return base::pass(good);
    }
  }
  return parents;
}

Result<When> parse_when(std::string_view word) {
  if (word == "success") return When::success;
  if (word == "any") return When::any;
  if (word == "failure") return When::failure;
  return base::invalid("", "'{}' is not one of success, any, failure", word);
}

}  // namespace cli
