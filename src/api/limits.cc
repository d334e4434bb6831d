#include <algorithm>

#include "api/routes.h"
#include "api/views.h"
#include "ledger/jobs/quota.h"

namespace api {
namespace {

using domain::Quota;
using namespace ledger::limits;

struct Quotas {
  std::vector<QuotaView> quotas;
};
BOOST_DESCRIBE_STRUCT(Quotas, (), (quotas))

struct Fairness {
  domain::Duration half_life;
};
BOOST_DESCRIBE_STRUCT(Fairness, (), (half_life))

struct ShareBody {
  std::int32_t weight = 0;
};
BOOST_DESCRIBE_STRUCT(ShareBody, (), (weight))

Answer show_quotas(const Call& call, const Reading& reading) {
  Quotas shown;
  for (const Quota& quota : reading.state.limits.quotas) {
    if (sees_quota(call, reading, quota)) shown.quotas.push_back(view(reading, quota));
  }
  return ok(shown);
}

void get_quotas(Service& service, const CallPtr& call) { service.look(call, show_quotas); }

void put_quota(Service& service, const CallPtr& call) {
  const auto wish = [body = body_of<Quota>(*call)](const Call&,
                                                   const Reading&) -> base::Result<ledger::Wish> {
    if (!body) return std::unexpected(body.error());
    return Command(SetQuota{*body});
  };
  service.change(call, wish, show_quotas);
}

void delete_quota(Service& service, const CallPtr& call) {
  const auto wish = [](const Call& asked, const Reading&) -> base::Result<ledger::Wish> {
    Quota quota;
    quota.team.value = text(asked, "team").value_or("");
    quota.user.value = text(asked, "user").value_or("");
    quota.gpu_model = text(asked, "gpu_model").value_or("");
    return Command(RemoveQuota{std::move(quota)});
  };
  service.change(call, wish, show_quotas);
}

Answer show_fairness(const Call&, const Reading& reading) {
  return ok(Fairness{reading.state.limits.half_life});
}

void get_fairness(Service& service, const CallPtr& call) { service.look(call, show_fairness); }

void put_fairness(Service& service, const CallPtr& call) {
  const auto wish = [body = body_of<Fairness>(*call)](
                        const Call&, const Reading&) -> base::Result<ledger::Wish> {
    if (!body) return std::unexpected(body.error());
    return Command(SetFairness{body->half_life});
  };
  service.change(call, wish, show_fairness);
}

void put_share(Service& service, const CallPtr& call) {
  const auto wish = [body = body_of<ShareBody>(*call)](
                        const Call& asked, const Reading&) -> base::Result<ledger::Wish> {
    if (!body) return std::unexpected(body.error());
    return Command(SetShare{{asked.arguments[0]}, body->weight});
  };
  service.change(call, wish, [](const Call& asked, const Reading& after) -> Answer {
    return ok(share(after, {asked.arguments[0]}));
  });
}

}  // namespace

QuotaView view(const Reading& reading, const Quota& quota) {
  const auto& state = reading.state;
  const ledger::jobs::View looked{state.jobs,   state.accounts, state.nodes,
                                  state.limits, state.plan,     reading.now};
  const auto use = ledger::jobs::use_of(looked, quota, {reading.now, reading.now});
  return {quota.team, quota.user, quota.gpu_model, quota.gpus, quota.soft, use.held};
}

ShareView share(const Reading& reading, const TeamId& team) {
  return {team, weight_of(reading.state.limits, team),
          usage_at(reading.state.limits, team, reading.now)};
}

std::vector<Route> limit_routes() {
  return {
      {"GET", "/v1/quotas", Role::member, get_quotas},
      {"PUT", "/v1/quotas", Role::operator_, put_quota},
      {"DELETE", "/v1/quotas", Role::operator_, delete_quota, {"team", "user", "gpu_model"}},
      {"GET", "/v1/fairness", Role::member, get_fairness},
      {"PUT", "/v1/fairness", Role::admin, put_fairness},
      {"PUT", "/v1/teams/{team}/share", Role::operator_, put_share},
  };
}

}  // namespace api
