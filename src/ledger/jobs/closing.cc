#include "ledger/jobs/closing.h"

#include <algorithm>
#include <set>

#include "era/quote.h"
#include "ledger/jobs/answer.h"
#include "ledger/jobs/index.h"

namespace ledger::jobs {
namespace {

using domain::Time;
using Events = std::vector<Event>;

/// What runs on a node that closes is asked to go so long before: it is looked at every minute.
constexpr domain::Duration kNotice = domain::kMinute;
static_assert(kLead <= kNotice);

constexpr std::size_t kMostNamed = 8;

std::string named(const std::vector<domain::JobId>& jobs) {
  std::string text = jobs.size() == 1 ? "job" : "jobs";
  for (std::size_t i = 0; i < std::min(jobs.size(), kMostNamed); ++i) {
    text += fmt::format("{} {}", i == 0 ? "" : ",", jobs[i].value);
  }
  if (jobs.size() > kMostNamed) text += fmt::format(" and {} more", jobs.size() - kMostNamed);
  return text;
}

std::string why(const nodes::Closure& closure) {
  if (closure.cause.empty()) return "its nodes close";
  return fmt::format("its nodes close: {}", closure.cause);
}

}  // namespace

base::Result<Events> make_room(const View& view, const nodes::Closure& closure, bool anyway) {
  auto closing = nodes::plan_nodes(view.nodes, nodes::closed_by(view.nodes, closure));
  for (era::PlanNode& node : closing)
    node.closed.insert(node.closed.end(), closure.times.begin(), closure.times.end());
  const auto [mended, stuck] = era::without(view.plan, closing, view.now);
  std::vector<domain::JobId> losing = mended.broken;
  losing.insert(losing.end(), stuck.begin(), stuck.end());
  std::ranges::sort(losing);
  if (!losing.empty() && !anyway) {
    return base::fail(base::ErrorCode::conflict, "{} would lose a promised place and find no other",
                      named(losing));
  }
  Events events;
  for (const auto& job : mended.broken) events.push_back(BookingLost{job, why(closure)});
  if (!mended.moves.empty()) events.push_back(moved(view, mended.moves, why(closure)));
  return events;
}

std::optional<nodes::Closing> closes_on(const View& view, const Job& job,
                                        const domain::NodeId& node) {
  const auto known = view.nodes.nodes.find(node);
  if (view.nodes.closures.empty() || known == view.nodes.nodes.end()) return std::nullopt;
  auto closing = nodes::next_closing(view.nodes, known->second, view.now);
  if (!closing || closing->when.from > view.now + kNotice) return std::nullopt;
  // What has its place until then stays until then.
  if (job.booking && job.booking->finish <= closing->when.from) return std::nullopt;
  return closing;
}

Events leave_closing(const View& view) {
  if (view.nodes.closures.empty()) return {};
  Events events;
  std::set<domain::JobId> asked;
  for (const auto& [node, places] : view.jobs.held) {
    for (const Held& held : places) {
      const Job& job = view.jobs.jobs.at(held.job);
      const Attempt* attempt = live_attempt(job);
      if (attempt == nullptr || attempt->stop != StopKind::none) continue;
      const auto closing = closes_on(view, job, node);
      if (!closing || !asked.insert(job.id).second) continue;
      events.push_back(
          AttemptStopping{job.id, attempt->number, StopKind::give_way, why(*closing->closure)});
    }
  }
  return events;
}

}  // namespace ledger::jobs
