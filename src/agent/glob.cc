#include "agent/glob.h"

#include <utility>
#include <vector>

namespace agent {
namespace {

constexpr std::int32_t kDeepest = 32;

std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    if (end > 0 && path.substr(0, end) != ".") parts.push_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return parts;
}

/// Greedy matching of one name, going back to the last `*` on a mismatch.
bool matches_name(std::string_view pattern, std::string_view name) {
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_name = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_name = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++star_name;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace

bool matches(std::string_view pattern, std::string_view path) {
  const auto wanted = parts_of(pattern);
  const auto names = parts_of(path);
  // reach[n]: the pattern's parts so far match the first n names.
  std::vector<bool> reach(names.size() + 1, false);
  reach[0] = true;
  for (const std::string_view part : wanted) {
    std::vector<bool> next(names.size() + 1, false);
    for (std::size_t n = 0; n <= names.size(); ++n) {
      if (part == "**") {
        next[n] = reach[n] || (n > 0 && next[n - 1]);
      } else if (n > 0) {
        next[n] = reach[n - 1] && matches_name(part, names[n - 1]);
      }
    }
    reach = std::move(next);
  }
  return reach[names.size()];
}

Glob parse_glob(std::string_view pattern) {
  const auto parts = parts_of(pattern);
  if (pattern.starts_with('/') || parts.empty()) return {};
  Glob glob{.pattern = std::string(pattern), .folder = {}, .depth = 0};
  bool is_fixed = true;
  for (std::size_t at = 0; at < parts.size(); ++at) {
    const std::string_view part = parts[at];
    if (part == "..") return {};
    is_fixed = is_fixed && at + 1 < parts.size() && part.find_first_of("*?") == part.npos;
    if (is_fixed) {
      glob.folder += (glob.folder.empty() ? "" : "/") + std::string(part);
    } else {
      glob.depth = part == "**" ? kDeepest : std::min(kDeepest, glob.depth + 1);
    }
  }
  return glob;
}

}  // namespace agent
