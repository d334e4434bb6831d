#include "api/routes.h"
#include "api/service.h"

namespace api {
namespace {

struct VersionView {
  std::string version;
  std::string api = "1";
  domain::Time started;
  domain::Time now;  ///< By the cluster's clock.
  std::int32_t time_scale = 1;
};
BOOST_DESCRIBE_STRUCT(VersionView, (), (version, api, started, now, time_scale))

struct HealthView {
  bool ok = true;
  std::string cluster;
  std::uint64_t position = 0;
};
BOOST_DESCRIBE_STRUCT(HealthView, (), (ok, cluster, position))

void get_version(Service& service, const CallPtr& call) {
  finish(*call, ok(VersionView{.version = service.options().version,
                               .started = service.started(),
                               .now = service.clock().now(),
                               .time_scale = service.options().time_scale}));
}

void get_health(Service& service, const CallPtr& call) {
  service.look(call, [&service](const Call&, const Reading& reading) -> Answer {
    const auto& is_writable = service.options().log_is_writable;
    const bool good = !is_writable || is_writable();
    return ok(HealthView{good, reading.state.cluster, reading.position}, good ? 200 : 503);
  });
}

void get_openapi(Service& service, const CallPtr& call) {
  finish(*call, ports::HttpResponse{.status = 200,
                                    .headers = {{"content-type", "application/yaml"}},
                                    .body = service.options().openapi});
}

}  // namespace

std::vector<Route> meta_routes() {
  return {
      {"GET", "/v1/version", std::nullopt, get_version},
      {"GET", "/v1/health", std::nullopt, get_health},
      {"GET", "/v1/openapi.yaml", std::nullopt, get_openapi},
  };
}

}  // namespace api
