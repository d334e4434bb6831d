#include "controller/reconcile.h"

#include <algorithm>

namespace controller {
namespace {

using ledger::jobs::Attempt;
using ledger::jobs::Job;
using ports::RankOrder;

/// Nodes of an attempt in the order of their first rank.
std::vector<domain::NodeId> nodes_of(const Attempt& attempt) {
  std::vector<domain::NodeId> nodes;
  for (const auto& rank : attempt.ranks) {
    if (std::ranges::find(nodes, rank.node) == nodes.end()) nodes.push_back(rank.node);
  }
  return nodes;
}

std::vector<std::string> addresses_of(const ledger::State& state,
                                      const std::vector<domain::NodeId>& nodes) {
  std::vector<std::string> addresses;
  for (const auto& node : nodes) {
    const auto known = state.nodes.nodes.find(node);
    addresses.push_back(known == state.nodes.nodes.end() ? "" : known->second.inventory.address);
  }
  return addresses;
}

RankOrder order(const ledger::State& state, const Job& job, const Attempt& attempt,
                std::int32_t number) {
  const auto& rank = attempt.ranks[static_cast<std::size_t>(number)];
  const auto nodes = nodes_of(attempt);
  const auto same_node = [&](const auto& other) { return other.node == rank.node; };
  RankOrder to;
  to.key = {job.id, attempt.number, number};
  to.stop = attempt.stop != ledger::jobs::StopKind::none;
  const bool is_in_the_way = attempt.stop == ledger::jobs::StopKind::give_way ||
                             attempt.stop == ledger::jobs::StopKind::overrun ||
                             attempt.stop == ledger::jobs::StopKind::pause;
  to.grace = job.spec.program.grace;
  if (is_in_the_way) to.grace = std::min(to.grace, ledger::jobs::kMostGraceInTheWay);
  to.stop_reason = attempt.stop_reason;
  to.program = job.spec.program;
  to.per_rank = job.spec.bid.shape.per_rank;
  to.gpu_uuids = rank.gpu_uuids;
  to.job_name = job.spec.name;
  to.user = job.user.value;
  to.team = job.team.value;
  to.world = static_cast<std::int32_t>(attempt.ranks.size());
  to.local_world = static_cast<std::int32_t>(std::ranges::count_if(attempt.ranks, same_node));
  to.local_rank = static_cast<std::int32_t>(
      std::count_if(attempt.ranks.begin(), attempt.ranks.begin() + number, same_node));
  to.node_rank = static_cast<std::int32_t>(std::ranges::find(nodes, rank.node) - nodes.begin());
  to.node_addresses = addresses_of(state, nodes);
  to.master_port = attempt.master_port;
  to.finish = job.booking ? job.booking->finish : attempt.started + (job.charged - job.used);
  to.resume_from = attempt.resume_from;
  to.mtbf = attempt.mtbf;
  return to;
}

}  // namespace

std::vector<RankOrder> wanted(const ledger::State& state, const domain::NodeId& node) {
  std::vector<RankOrder> orders;
  const auto held = state.jobs.held.find(node);
  if (held == state.jobs.held.end()) return orders;
  for (const auto& place : held->second) {
    const Job& job = state.jobs.jobs.at(place.job);
    orders.push_back(order(state, job, job.attempts.back(), place.rank));
  }
  std::ranges::sort(orders, {}, &RankOrder::key);
  return orders;
}

ledger::jobs::ObserveNode observed(const domain::NodeId& node, const ports::Report& report) {
  ledger::jobs::ObserveNode wish{node, {}};
  for (const auto& rank : report.ranks) {
    ledger::jobs::SeenRank seen;
    seen.job = rank.key.job;
    seen.attempt = rank.key.attempt;
    seen.rank = rank.key.rank;
    seen.started = rank.started > domain::Time{};
    seen.ended = rank.phase == ports::RankPhase::ended && rank.end.has_value();
    if (seen.ended) {
      seen.end.cause = rank.end->cause;
      seen.end.exit_code = rank.end->exit_code;
      seen.end.signal = rank.end->signal;
      seen.end.detail = rank.end->detail.substr(0, 1'000);
    }
    seen.checkpoint = rank.checkpoint;
    seen.checkpoint_step = rank.checkpoint_step;
    wish.ranks.push_back(std::move(seen));
  }
  return wish;
}

std::vector<domain::NodeId> touched(const ledger::State& state, const ledger::Event& event) {
  std::vector<domain::NodeId> nodes;
  const auto add_ranks = [&](domain::JobId id) {
    const Job* job = ledger::jobs::find(state.jobs, id);
    if (job == nullptr || job->attempts.empty()) return;
    for (const auto& node : nodes_of(job->attempts.back())) nodes.push_back(node);
  };
  if (const auto* started = std::get_if<ledger::jobs::AttemptStarted>(&event))
    add_ranks(started->job);
  if (const auto* ended = std::get_if<ledger::jobs::RankEnded>(&event)) add_ranks(ended->job);
  if (const auto* stopping = std::get_if<ledger::jobs::AttemptStopping>(&event))
    add_ranks(stopping->job);
  return nodes;
}

}  // namespace controller
