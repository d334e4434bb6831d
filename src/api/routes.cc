#include "api/routes.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "api/api.h"

namespace api {
namespace {

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> segments;
  if (path.starts_with('/')) path.remove_prefix(1);
  while (true) {
    const std::size_t slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == path.npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

bool is_placeholder(std::string_view segment) { return segment.starts_with('{'); }
bool takes_the_rest(std::string_view segment) { return segment.ends_with("...}"); }

/// What the placeholders of `pattern` stand for, if `path` fits it.
std::optional<std::vector<std::string>> arguments_of(std::string_view pattern,
                                                     std::string_view path) {
  std::vector<std::string> arguments;
  const char* const end = path.data() + path.size();
  const auto wanted = split(pattern);
  const auto got = split(path);
  for (std::size_t at = 0; at < wanted.size(); ++at) {
    if (at >= got.size()) return std::nullopt;
    if (takes_the_rest(wanted[at])) {
      arguments.emplace_back(got[at].data(), end);
      return arguments;
    }
    if (is_placeholder(wanted[at])) {
      if (got[at].empty()) return std::nullopt;
      arguments.emplace_back(got[at]);
    } else if (wanted[at] != got[at]) {
      return std::nullopt;
    }
  }
  if (got.size() != wanted.size()) return std::nullopt;
  return arguments;
}

/// How alike a path and a pattern are: 3 for a segment that fits, 2 for one that nearly does.
int likeness(std::string_view pattern, std::string_view path) {
  const auto wanted = split(pattern);
  const auto got = split(path);
  int sum = wanted.size() == got.size() ? 1 : 0;
  for (std::size_t at = 0; at < std::min(wanted.size(), got.size()); ++at) {
    const bool fits = wanted[at] == got[at] || is_placeholder(wanted[at]);
    const bool nearly =
        !got[at].empty() && (wanted[at].starts_with(got[at]) || got[at].starts_with(wanted[at]));
    if (!fits && !nearly) break;
    sum += fits ? 3 : 2;
  }
  return sum;
}

}  // namespace

const std::vector<Route>& routes() {
  static const std::vector<Route> all = [] {
    std::vector<Route> built;
    for (const auto& area :
         {meta_routes(), login_routes(), access_routes(), quote_routes(), job_routes(),
          why_routes(), file_routes(), series_routes(), log_routes(), node_routes(),
          closure_routes(), account_routes(), event_routes(), limit_routes(), report_routes()}) {
      built.insert(built.end(), area.begin(), area.end());
    }
    return built;
  }();
  return all;
}

Match match_route(std::string_view method, std::string_view path) {
  Match result;
  for (const Route& route : routes()) {
    auto arguments = arguments_of(route.pattern, path);
    if (!arguments) continue;
    if (route.method == method) {
      result.route = &route;
      result.arguments = *std::move(arguments);
      return result;
    }
    const std::string_view name = route.method == "WS" ? "GET" : route.method;
    if (result.allowed.contains(name)) continue;
    if (!result.allowed.empty()) result.allowed += ", ";
    result.allowed += name;
  }
  return result;
}

std::string_view nearest_pattern(std::string_view path) {
  constexpr int kAlike = 5;  // More than the version and the length.
  const Route* best = nullptr;
  int most = kAlike - 1;
  for (const Route& route : routes()) {
    const int alike = likeness(route.pattern, path);
    if (alike <= most) continue;
    most = alike;
    best = &route;
  }
  return best == nullptr ? std::string_view() : best->pattern;
}

base::Result<> check_parameters(const Call& call) {
  const auto& known = call.route->parameters;
  for (const auto& [name, value] : call.request.query) {
    if (std::ranges::find(known, name) != known.end()) continue;
    const std::string shown = base::valid_utf8(name.substr(0, 80));
    if (known.empty()) {
      return base::invalid(shown, "{} takes no parameters, not '{}'", call.route->pattern, shown);
    }
    return base::invalid(shown, "{} takes no parameter '{}'; it knows {}", call.route->pattern,
                         shown, fmt::join(known, ", "));
  }
  return {};
}

std::vector<RouteName> route_names() {
  std::vector<RouteName> names;
  for (const Route& route : routes()) {
    names.push_back({std::string(route.method),
                     std::string(route.pattern),
                     {route.parameters.begin(), route.parameters.end()},
                     route.needed.has_value()});
  }
  return names;
}

}  // namespace api
