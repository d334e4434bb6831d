#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "api/call.h"

namespace api {

// The rows of each area, in the file of its area.
std::vector<Route> meta_routes();
std::vector<Route> login_routes();
std::vector<Route> access_routes();
std::vector<Route> quote_routes();
std::vector<Route> job_routes();
std::vector<Route> why_routes();
std::vector<Route> file_routes();
std::vector<Route> series_routes();
std::vector<Route> log_routes();
std::vector<Route> node_routes();
std::vector<Route> closure_routes();
std::vector<Route> account_routes();
std::vector<Route> event_routes();
std::vector<Route> limit_routes();
std::vector<Route> report_routes();

/// All of them; made once.
const std::vector<Route>& routes();

/// The route for `method` and `path`, and what its placeholders stand for.
struct Match {
  const Route* route = nullptr;
  std::vector<std::string> arguments;
  std::string allowed;  ///< If no route has the method but some have the path: their methods.
};
Match match_route(std::string_view method, std::string_view path);

/// The pattern that `path` was probably meant for; empty if none is near.
std::string_view nearest_pattern(std::string_view path);

/// Says no to parameters that the route does not know.
base::Result<> check_parameters(const Call& call);

}  // namespace api
