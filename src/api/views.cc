#include "api/views.h"

#include <algorithm>

#include "ledger/jobs/index.h"
#include "ledger/jobs/jobs.h"
#include "ledger/jobs/series.h"
#include "ledger/nodes/nodes.h"

namespace api {
namespace {

using domain::Time;
using ledger::jobs::Attempt;
using ledger::jobs::Job;

std::string name_of_cause(domain::ExitCause cause) {
  return std::string(base::detail::enum_name(cause));
}

/// Each node once, in the order of the ranks.
std::vector<domain::NodeId> nodes_of(const Job& job) {
  std::vector<domain::NodeId> all;
  if (job.booking) {
    all = job.booking->nodes;
  } else if (!job.attempts.empty()) {
    for (const auto& rank : job.attempts.back().ranks) all.push_back(rank.node);
  }
  std::vector<domain::NodeId> nodes;
  std::set<domain::NodeId> seen;
  for (auto& node : all) {
    if (seen.insert(node).second) nodes.push_back(std::move(node));
  }
  return nodes;
}

std::string pool_of(const Job& job) {
  if (job.booking) return job.booking->pool.value;
  if (!job.attempts.empty()) return job.attempts.back().pool.value;
  return job.spec.bid.shape.pool;
}

bool is_simulated(const Reading& reading, const std::vector<domain::NodeId>& nodes) {
  const auto& known = reading.state.nodes.nodes;
  return std::ranges::any_of(nodes, [&](const domain::NodeId& id) {
    const auto node = known.find(id);
    return node != known.end() && node->second.inventory.simulated;
  });
}

AttemptView view_of(const words::Reader& reader, const Attempt& attempt) {
  AttemptView shown{.number = attempt.number,
                    .state = attempt.state,
                    .started = attempt.started,
                    .ended = attempt.ended,
                    .detail = words::cause(reader, attempt.detail),
                    .resume_from = attempt.resume_from,
                    .master_port = attempt.master_port};
  if (attempt.ended > Time{}) shown.cause = name_of_cause(attempt.cause);
  if (shown.detail.empty()) shown.detail = words::cause(reader, attempt.stop_reason);
  std::int32_t number = 0;
  for (const auto& rank : attempt.ranks) {
    const bool is_over = rank.ended > Time{};
    shown.ranks.push_back({number++, rank.node, rank.gpu_uuids, rank.started, rank.ended,
                           is_over ? name_of_cause(rank.cause) : std::string(), rank.exit_code,
                           rank.signal, words::cause(reader, rank.detail)});
  }
  return shown;
}

}  // namespace

bool sees(const Call& call, const Job& job) {
  return call.asker.role >= Role::operator_ || job.team == call.asker.team;
}

bool sees_quota(const Call& call, const Reading& reading, const domain::Quota& quota) {
  if (call.asker.role >= Role::operator_ || quota.team == call.asker.team) return true;
  const auto user = reading.state.access.users.find(quota.user);
  return user != reading.state.access.users.end() && user->second.team == call.asker.team;
}

words::Reader reader_of(const Call& call, const Reading& reading) {
  return {call.language, [&call, &reading](domain::JobId id) {
            const Job* job = ledger::jobs::find(reading.state.jobs, id);
            return job != nullptr && sees(call, *job);
          }};
}

base::Result<const Job*> find_job(const Call& call, const Reading& reading) {
  auto id = job_id(call);
  if (!id) return base::pass(id);
  const Job* job = ledger::jobs::find(reading.state.jobs, *id);
  if (job != nullptr && sees(call, *job)) return job;
  return base::fail(base::ErrorCode::not_found, "there is no job {}", id->value);
}

OfferView view(const era::Offer& offer) {
  return {offer.pool.value, offer.start, offer.finish, offer.price, offer.nodes, offer.later};
}

RefusalView view(const words::Reader& reader, const era::Refusal& refusal) {
  RefusalView shown{
      .reason = refusal.reason, .blocked_until = refusal.blocked_until, .price = refusal.price};
  std::ranges::copy_if(refusal.blocking, std::back_inserter(shown.blocking), reader.sees);
  for (const auto& change : refusal.changes) {
    shown.changes.push_back({change.max_price, change.deadline, change.ranks, change.duration,
                             change.per_rank, view(change.offer)});
  }
  if (refusal.cheaper) shown.cheaper = view(*refusal.cheaper);
  shown.quota = refusal.quota;
  return shown;
}

Planned planned(const Job& job) {
  const Attempt* attempt = ledger::jobs::live_attempt(job);
  if (job.booking) {
    return {attempt == nullptr ? job.booking->start : attempt->started, era::end_of(*job.booking)};
  }
  if (attempt == nullptr) {
    const bool has_run = domain::is_final(job.state) && !job.attempts.empty();
    return {has_run ? job.attempts.front().started : Time{}, {}};
  }
  return {attempt->started, ledger::jobs::flex_finish(job, *attempt)};
}

JobSummary summary(const words::Reader& reader, const Reading& reading, const Job& job) {
  JobSummary shown{.id = job.id,
                   .name = job.spec.name,
                   .user = job.user,
                   .team = job.team,
                   .state = job.state,
                   .job_class = job.job_class,
                   .cause = words::cause(reader, job.cause),
                   .submitted = job.submitted,
                   .ended = job.ended,
                   .deadline = job.deadline,
                   .price = job.price,
                   .held = job.held,
                   .paid = job.paid,
                   .pool = pool_of(job),
                   .nodes = nodes_of(job),
                   .text = words::job(reader, job),
                   .checkpoint = job.checkpoint,
                   .checkpoint_step = job.checkpoint_step,
                   .promise_broken = job.promise_broken};
  const Planned times = planned(job);
  shown.planned_start = times.start;
  shown.planned_finish = times.finish;
  if (job.booking) shown.later = job.booking->later;
  if (job.promised_start != domain::kNever) shown.promised_start = job.promised_start;
  if (job.refusal) shown.refusal = view(reader, *job.refusal);
  shown.simulated = is_simulated(reading, shown.nodes);
  shown.series = ledger::jobs::series_of(reading.state.jobs, job);
  for (const auto& parent : job.waits_for) {
    if (reader.sees(parent.job)) shown.waits_for.push_back(parent.job);
  }
  return shown;
}

boost::json::value view(const words::Reader& reader, const Reading& reading, const Job& job) {
  JobDetail detail{.spec = job.spec, .attempts = {}, .history = job.history, .choice = job.choice};
  std::erase_if(detail.spec.after, [&](const auto& parent) { return !reader.sees(parent.job); });
  for (const auto& attempt : job.attempts) detail.attempts.push_back(view_of(reader, attempt));
  for (auto& line : detail.history) line.cause = words::cause(reader, line.cause);
  boost::json::value whole = base::to_json(summary(reader, reading, job));
  boost::json::value more = base::to_json(detail);
  for (auto& entry : more.as_object()) {
    whole.as_object().emplace(entry.key(), std::move(entry.value()));
  }
  return whole;
}

std::optional<domain::Time> opening_of(const Reading& reading, const ledger::nodes::Node& node,
                                       domain::Time at) {
  constexpr int kMostInARow = 32;
  for (int i = 0; i < kMostInARow; ++i) {
    const auto closing = ledger::nodes::next_closing(reading.state.nodes, node, at);
    if (!closing || closing->when.from > at) return at;
    if (closing->when.until >= domain::kNever) return std::nullopt;
    at = closing->when.until;
  }
  return std::nullopt;
}

}  // namespace api
