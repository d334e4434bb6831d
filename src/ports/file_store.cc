#include "ports/file_store.h"

#include <algorithm>

namespace ports {
namespace {

constexpr std::size_t kMostSegments = 16;
constexpr std::size_t kLongestSegment = 255;
constexpr std::size_t kLongestPath = 1024;

base::Result<> check_segment(std::string_view segment) {
  if (segment.empty()) return base::invalid("path", "the path has an empty segment");
  if (segment == "." || segment == "..") {
    return base::invalid("path", "the path must not contain '{}'", segment);
  }
  if (segment.size() > kLongestSegment) {
    return base::invalid("path", "a segment of the path is longer than {} bytes", kLongestSegment);
  }
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 32; };
  if (std::ranges::any_of(segment, is_control)) {
    return base::invalid("path", "the path contains a control character");
  }
  return {};
}

}  // namespace

base::Result<> check_name(domain::JobId job, std::string_view path) {
  if (job.value <= 0) return base::invalid("job", "jobs are numbered from 1");
  if (path.empty()) return base::invalid("path", "the path is empty");
  if (path.front() == '/') return base::invalid("path", "the path must be relative");
  if (path.size() > kLongestPath) {
    return base::invalid("path", "the path is longer than {} bytes", kLongestPath);
  }
  std::string_view rest = path;
  for (std::size_t segments = 1;; ++segments) {
    if (segments > kMostSegments) {
      return base::invalid("path", "the path has more than {} segments", kMostSegments);
    }
    const std::size_t slash = rest.find('/');
    if (auto good = check_segment(rest.substr(0, slash)); !good) return good;
    if (slash == std::string_view::npos) return {};
    rest.remove_prefix(slash + 1);
  }
}

}  // namespace ports
