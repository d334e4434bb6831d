#include "report/fold.h"

#include <cmath>

namespace report {
namespace {

std::optional<domain::Money> each(domain::Money sum, double hours) {
  if (hours <= 0) return std::nullopt;
  return domain::Money{std::llround(static_cast<double>(sum.micros) / hours)};
}

}  // namespace

Fold::Fold(Scope scope)
    : scope_(std::move(scope)), machines_(scope_.period), jobs_(scope_.period, machines_) {}

void Fold::take_money(const ledger::accounts::MoneyMoved& fact, domain::Time at) {
  if (!scope_.period.has(at)) return;
  const bool is_grant = fact.job == domain::JobId{};
  const bool is_ours = scope_.team.value.empty() ||
                       fact.to == ledger::accounts::team_account(scope_.team) ||
                       jobs_.knows(fact.job);
  if (!is_ours) return;
  if (is_grant && fact.why == "grant") money_.granted += fact.amount;
  if (fact.why == "settle") money_.revenue += fact.amount;
  if (fact.why == "refund") money_.refunds += fact.amount;
  if (fact.why == "penalty") money_.penalties += fact.amount;
}

void Fold::take(const ledger::Fact& fact) {
  if (is_over(fact.at)) return;
  std::visit(
      [&](const auto& event) {
        using Event = std::remove_cvref_t<decltype(event)>;
        if constexpr (requires { event.team, event.spec; }) {
          if (!scope_.team.value.empty() && event.team != scope_.team) return;
        }
        if constexpr (std::is_same_v<Event, ledger::accounts::MoneyMoved>) {
          take_money(event, fact.at);
        } else if constexpr (std::is_constructible_v<ledger::nodes::Event, Event>) {
          machines_.take(event, fact.at);
        } else if constexpr (requires { jobs_.take(event, fact.at); }) {
          jobs_.take(event, fact.at);
        }
      },
      fact.event);
}

Report Fold::finish() {
  jobs_.close();
  machines_.close();
  Report report{scope_.period,
                scope_.team.value,
                jobs_.classes(),
                jobs_.causes(),
                jobs_.promised().hours(),
                jobs_.used().hours(),
                money_,
                std::nullopt};
  const ClassReport& all = report.classes.front();
  report.money.per_gpu_hour = each(money_.revenue, all.used.gpu_hours);
  report.money.per_succeeded_gpu_hour = each(money_.revenue, all.succeeded_gpu_hours);
  if (!scope_.team.value.empty()) return report;
  ClusterReport cluster{.ratios = scope_.ratios,
                        .utilisation = 0,
                        .capacity = machines_.capacity().hours(),
                        .idle = (machines_.capacity() - machines_.used()).hours(),
                        .machines = machines_.list(scope_.ratios)};
  cluster.utilisation = utilisation(cluster.machines);
  report.cluster = std::move(cluster);
  return report;
}

}  // namespace report
