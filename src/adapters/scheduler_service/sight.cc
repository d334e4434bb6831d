#include "adapters/scheduler_service/sight.h"

#include <utility>
#include <variant>

#include "adapters/scheduler_service/choices.h"
#include "adapters/scheduler_service/translate.h"
#include "base/json.h"

namespace adapters::scheduler_service {
namespace {

/// Writes a fact as an event; an overload returns whether it is shown. Facts without an overload
/// are not.
struct Writer {
  const Sight& sight;
  const words::Reader& reader;
  wire::Event& to;

  std::string cause(const std::string& english) const {
    return base::valid_utf8(words::cause(reader, english));
  }

  bool operator()(const auto&) const { return false; }

  bool operator()(const ledger::jobs::BidRefused& fact) const {
    if (!sight.wants(fact.job)) return false;
    wire::Refused& shown = *to.mutable_refused();
    shown.set_job(fact.job.value);
    shown.set_name(base::valid_utf8(fact.spec.name));
    shown.set_user(fact.user.value);
    shown.set_team(fact.team.value);
    encode(reader, fact.refusal, *shown.mutable_refusal());
    return true;
  }

  bool operator()(const ledger::jobs::JobAccepted& fact) const {
    if (!sight.wants(fact.job)) return false;
    wire::Accepted& shown = *to.mutable_accepted();
    shown.set_job(fact.job.value);
    shown.set_name(base::valid_utf8(fact.spec.name));
    shown.set_user(fact.user.value);
    shown.set_team(fact.team.value);
    shown.set_price_micros(fact.price.micros);
    if (fact.offer) encode(*fact.offer, *shown.mutable_planned());
    return true;
  }

  bool operator()(const ledger::jobs::BookingsMoved& fact) const {
    wire::Moved shown;
    for (const auto& move : fact.moves) {
      if (!sight.wants(move.job)) continue;
      wire::Moved::Place& place = *shown.add_places();
      place.set_job(move.job.value);
      place.set_pool(move.pool.value);
      place.set_start_ms(move.start.ms);
      place.set_finish_ms(move.finish.ms);
      for (const auto& node : move.nodes) place.add_nodes(node.value);
    }
    if (shown.places().empty()) return false;
    shown.set_cause(cause(fact.why));
    *to.mutable_moved() = std::move(shown);
    return true;
  }

  bool operator()(const ledger::jobs::AttemptStarted& fact) const {
    if (!sight.wants(fact.job)) return false;
    wire::Started& shown = *to.mutable_started();
    shown.set_job(fact.job.value);
    shown.set_attempt(fact.attempt);
    shown.set_pool(fact.pool.value);
    for (const auto& rank : fact.ranks) shown.add_nodes(rank.node.value);
    return true;
  }

  bool operator()(const ledger::jobs::RankStarted& fact) const {
    if (!sight.wants(fact.job)) return false;
    wire::Running& shown = *to.mutable_running();
    shown.set_job(fact.job.value);
    shown.set_attempt(fact.attempt);
    shown.set_rank(fact.rank);
    return true;
  }

  bool operator()(const ledger::jobs::JobInterrupted& fact) const {
    if (!sight.wants(fact.job)) return false;
    wire::Interrupted& shown = *to.mutable_interrupted();
    shown.set_job(fact.job.value);
    shown.set_cause(cause(fact.cause));
    shown.set_retry_at_ms(fact.retry_at.ms);
    return true;
  }

  bool operator()(const ledger::jobs::JobEnded& fact) const {
    if (!sight.wants(fact.job)) return false;
    wire::Ended& shown = *to.mutable_ended();
    shown.set_job(fact.job.value);
    shown.set_state(to_wire(kJobStates, fact.state));
    shown.set_cause(cause(fact.cause));
    return true;
  }

  bool operator()(const ledger::jobs::JobExtended& fact) const {
    if (!sight.wants(fact.job)) return false;
    wire::Extended& shown = *to.mutable_extended();
    shown.set_job(fact.job.value);
    shown.set_added_ms(fact.added.ms);
    shown.set_finish_ms(fact.finish.ms);
    shown.set_price_micros(fact.price.micros);
    shown.set_cause(cause(fact.why));
    return true;
  }

  bool operator()(const ledger::jobs::PromiseBroken& fact) const {
    if (!sight.wants(fact.job)) return false;
    wire::PromiseBroken& shown = *to.mutable_promise_broken();
    shown.set_job(fact.job.value);
    shown.set_cause(cause(fact.why));
    return true;
  }

  bool operator()(const ledger::nodes::NodeJoined& fact) const {
    return node(fact.node, wire::NODE_STATE_JOINING, {});
  }
  bool operator()(const ledger::nodes::NodeStateSet& fact) const {
    return node(fact.node, to_wire(kNodeStates, fact.state), fact.cause);
  }
  bool operator()(const ledger::nodes::NodeRemoved& fact) const {
    return node(fact.node, wire::NODE_STATE_REMOVED, {});
  }

  bool node(const domain::NodeId& name, wire::NodeState state, const std::string& why) const {
    if (!sight.wants_nodes()) return false;
    wire::NodeChanged& shown = *to.mutable_node_changed();
    shown.set_node(name.value);
    shown.set_state(state);
    shown.set_cause(cause(why));
    return true;
  }
};

}  // namespace

Sight::Sight(Asker asker, std::set<domain::JobId> jobs)
    : asker_(std::move(asker)), jobs_(std::move(jobs)), awaited_(jobs_) {}

void Sight::note(const ledger::Event& event) {
  const auto bid = [this](const auto* fact) {
    if (fact != nullptr && !asker_.sees_all() && fact->team == asker_.team) own_.insert(fact->job);
  };
  bid(std::get_if<ledger::jobs::JobAccepted>(&event));
  bid(std::get_if<ledger::jobs::BidRefused>(&event));
  if (const auto* ended = std::get_if<ledger::jobs::JobEnded>(&event)) awaited_.erase(ended->job);
  if (const auto* no = std::get_if<ledger::jobs::BidRefused>(&event)) awaited_.erase(no->job);
}

bool Sight::show(const ledger::Fact& fact, wire::Event& to) {
  note(fact.event);
  const words::Reader reader{asker_.language, [this](domain::JobId job) { return sees(job); }};
  if (!std::visit(Writer{*this, reader, to}, fact.event)) return false;
  to.set_time_ms(fact.at.ms);
  return true;
}

}  // namespace adapters::scheduler_service
