#include "sim/operators.h"

#include <fmt/format.h>

#include <algorithm>

namespace sim {

using domain::Duration;
using domain::kMinute;
using domain::kSecond;

namespace {

constexpr Duration kResume{90'000};

}  // namespace

domain::ClosedTime Operators::some_time() {
  const domain::Time from = agenda_.now() + random_.duration({0}, kMinute * 12);
  domain::ClosedTime time{from, from + random_.duration(kMinute, kMinute * 8), {}};
  if (random_.chance(25)) time.every = domain::kDay;
  return time;
}

void Operators::close_nodes(bool may_break) {
  ledger::nodes::Closure closure{.id = fmt::format("closure-{}", ++closures_)};
  if (random_.chance(70)) closure.nodes = {any_host().node()};
  closure.times = {some_time()};
  if (random_.chance(20)) closure.times.push_back(some_time());
  closure.cause = "service";
  const bool anyway = may_break && random_.chance(50);
  users_.wish(ledger::nodes::Command{ledger::nodes::CloseNodes{closure, anyway}});
  if (random_.chance(60)) return;
  agenda_.in(random_.duration(kMinute, kMinute * 10), [this, id = closure.id] {
    users_.wish(ledger::nodes::Command{ledger::nodes::OpenNodes{id}});
  });
}

void Operators::set_policies() {
  for (const auto& host : hosts_) {
    if (random_.chance(30)) continue;
    const domain::PowerPolicy policy{random_.duration(kMinute, kMinute * 3), kResume};
    users_.wish(ledger::nodes::Command{ledger::nodes::SetNodePower{host->node(), policy}});
  }
}

Host& Operators::host_of(const domain::NodeId& node) {
  return **std::ranges::find(hosts_, node, [](const auto& host) { return host->node(); });
}

void Operators::do_as_asked(const controller::PowerAsk& ask) {
  Host& host = host_of(ask.node);
  if (ask.resume) {
    ++happened_["switched on"];
    agenda_.in(random_.duration(kSecond * 5, kResume - kSecond * 5), [&host] {
      if (!host.has_agent()) host.start_agent();
    });
    return;
  }
  ++happened_["switched off"];
  const auto alive = host.machine().alive();
  if (!alive.empty())
    killed_.push_back(fmt::format("{} ranks on {}", alive.size(), ask.node.value));
  host.reboot(false);
}

void Operators::switch_hosts() {
  for (const controller::PowerAsk& ask : head_.power().due(head_.state(), agenda_.now())) {
    const bool fails = random_.chance(10);
    agenda_.in(random_.duration({10}, kSecond * 3), [this, ask, fails, life = head_.life()] {
      if (fails) ++happened_["provider failed"];
      if (!fails) do_as_asked(ask);
      if (!head_.is_up() || life != head_.life()) return;
      const auto failed = base::fail(base::ErrorCode::unavailable, "the provider is not there");
      head_.power().answered(ask, fails ? base::Result<>(failed) : base::Result<>(), agenda_.now());
    });
  }
}

void Operators::make_peace() {
  for (const auto& host : hosts_) {
    users_.wish(ledger::nodes::Command{ledger::nodes::SetNodePower{host->node(), std::nullopt}});
  }
  for (int i = 1; i <= closures_; ++i) {
    users_.wish(ledger::nodes::Command{ledger::nodes::OpenNodes{fmt::format("closure-{}", i)}});
  }
}

}  // namespace sim
