#include "ledger/jobs/dependencies.h"

#include <algorithm>
#include <string_view>

#include "base/json.h"
#include "era/width_pieces.h"
#include "ledger/jobs/answer.h"
#include "ledger/jobs/index.h"
#include "ledger/jobs/series.h"
#include "ledger/jobs/settle.h"

namespace ledger::jobs {
namespace {

using base::Result;
using domain::Dependency;
using domain::Duration;
using domain::JobId;
using domain::JobState;
using domain::Time;
using domain::When;

std::string name_of(JobState state) { return std::string(base::to_json(state).as_string()); }

std::string_view wanted(When when) {
  switch (when) {
    case When::success:
      return "success";
    case When::any:
      return "end";
    case When::failure:
      return "failure";
  }
  return "end";
}

/// When `parent` is booked to end; none: nothing is promised of it, or it is being stopped.
std::optional<Time> booked_end(const State& state, JobId id) {
  const Job* parent = find(state, id);
  if (parent == nullptr || !parent->booking) return std::nullopt;
  const Attempt* attempt = live_attempt(*parent);
  const bool goes_on =
      attempt == nullptr || attempt->stop == StopKind::none || attempt->stop == StopKind::pause;
  if (!goes_on) return std::nullopt;
  return era::end_of(*parent->booking);
}

Result<> add_named(const View& view, const domain::TeamId& team, const Dependency& wish,
                   std::vector<Dependency>& into) {
  const auto jobs = newest_named(view.jobs, team, wish.name);
  if (jobs.empty()) return base::invalid("name", "your team has no job called '{}'", wish.name);
  for (const JobId job : jobs) into.push_back({job, {}, wish.when});
  return {};
}

Result<> check_end(const View& view, const Dependency& wish) {
  const Job* parent = find(view.jobs, wish.job);
  if (parent == nullptr) return base::invalid("job", "there is no job {}", wish.job.value);
  if (!domain::is_final(parent->state) || meets(wish.when, parent->state)) return {};
  return base::invalid("when", "job {} is {}, so its {} cannot come any more", wish.job.value,
                       name_of(parent->state), wanted(wish.when));
}

/// The latest moment at which a job that needs `needed` can start and still keep its promise.
Time last_start(const Job& job, Duration needed) {
  return job.spec.bid.firm ? job.promised_start : job.deadline - needed;
}

/// The children of `id` that have not started.
std::vector<JobId> children_of(const State& state, JobId id) {
  const auto found = state.children.find(id);
  if (found == state.children.end()) return {};
  return {found->second.begin(), found->second.end()};
}

bool has_booked_child(const State& state, JobId id) {
  return std::ranges::any_of(children_of(state, id),
                             [&](JobId child) { return state.jobs.at(child).booking.has_value(); });
}

/// Where the booking of `job` may begin and must end, so that its parents and children can be moved
/// without a look at it.
std::pair<Time, Time> window_of(const State& state, const Job& job) {
  Time earliest = std::max(job.spec.bid.earliest, job.retry_at);
  for (const Dependency& parent : job.waits_for) {
    // A parent without a known end holds it where it is: it may only go later.
    earliest = std::max(earliest, booked_end(state, parent.job).value_or(job.booking->start));
  }
  return {earliest, has_booked_child(state, job.id) ? era::end_of(*job.booking) : job.deadline};
}

void set_window(State& state, era::Plan& plan, JobId id) {
  const auto found = state.jobs.find(id);
  if (found == state.jobs.end() || !found->second.booking) return;
  Job& job = found->second;
  if (!job.booking->movable && job.booking->later.empty()) return;
  const auto [earliest, deadline] = window_of(state, job);
  if (job.booking->earliest == earliest && job.booking->deadline == deadline) return;
  unindex(state, job);
  job.booking->earliest = earliest;
  job.booking->deadline = deadline;
  index(state, job);
  plan.unbook(id);
  plan.restore(*job.booking);  // Its nodes may have closed since: it stays where it is.
  ++state.reordered;
}

}  // namespace

bool meets(When when, JobState state) {
  switch (when) {
    case When::success:
      return state == JobState::succeeded;
    case When::any:
      return domain::is_final(state);
    case When::failure:
      return state == JobState::failed || state == JobState::expired || state == JobState::lost;
  }
  return false;
}

Result<std::vector<Dependency>> resolve(const View& view, const domain::TeamId& team,
                                        const domain::JobSpec& spec) {
  std::vector<Dependency> resolved;
  for (std::size_t i = 0; i < spec.after.size(); ++i) {
    const Dependency& wish = spec.after[i];
    const std::size_t before = resolved.size();
    Result<> good;
    if (wish.name.empty()) {
      resolved.push_back(wish);
    } else {
      good = add_named(view, team, wish, resolved);
    }
    for (std::size_t at = before; good && at < resolved.size(); ++at) {
      good = check_end(view, resolved[at]);
    }
    if (!good) {
      const std::string field = fmt::format("after[{}].{}", i, good.error().field);
      return std::unexpected(std::move(good).error().in_field(field));
    }
  }
  const auto as_pair = [](const Dependency& each) { return std::pair(each.job, each.when); };
  std::ranges::sort(resolved, {}, as_pair);
  const auto twice = std::ranges::unique(resolved);
  resolved.erase(twice.begin(), twice.end());
  if (resolved.size() > kMostParents)
    return base::invalid("after", "at most {} jobs", kMostParents);
  return resolved;
}

std::vector<Dependency> open(const State& state, const std::vector<Dependency>& after) {
  std::vector<Dependency> waits;
  for (const Dependency& wish : after) {
    const Job* parent = find(state, wish.job);
    if (parent != nullptr && !domain::is_final(parent->state)) waits.push_back(wish);
  }
  return waits;
}

std::variant<Time, era::Refusal> ready_at(const View& view,
                                          const std::vector<Dependency>& parents) {
  Time ready = parents.empty() ? view.now : view.now + domain::kMinute;
  for (const Dependency& parent : parents) {
    const auto end = booked_end(view.jobs, parent.job);
    if (!end) {
      era::Refusal refusal;
      refusal.reason = era::RefusalReason::no_promised_end;
      refusal.blocking = {parent.job};
      return refusal;
    }
    ready = std::max(ready, *end);
  }
  return ready;
}

Time not_before(const View& view, const Job& job, Duration needed) {
  if (job.waits_for.empty()) return {};
  const Time last = last_start(job, needed);
  Time ready = view.now;
  for (const Dependency& parent : job.waits_for) {
    ready = std::max(ready, booked_end(view.jobs, parent.job).value_or(last));
  }
  return std::min(ready, last);
}

std::vector<Event> wait_on(const View& view, const Job& job) {
  if (job.booking->start > view.now) return {};
  const bool elastic = !job.booking->widths.empty();
  const Duration needed = elastic ? era::shortest(job.spec.bid) : era::length_of(*job.booking);
  if (last_start(job, needed) > view.now) {
    const auto who = job.waits_for.front().job.value;
    return {BookingLost{job.id, fmt::format("waits for job {}, which ends late", who)}};
  }
  const std::string why = why_broken(view.jobs, job);
  std::vector<Event> events{PromiseBroken{job.id, why}};
  for (auto& event : end_job(view, job, JobState::lost, why)) events.push_back(std::move(event));
  return events;
}

std::vector<Event> release_children(const View& view, const Job& job, Time finish) {
  std::vector<Event> events;
  for (const JobId id : children_of(view.jobs, job.id)) {
    const Job& child = view.jobs.jobs.at(id);
    if (!child.booking || child.spec.bid.firm || child.booking->start >= finish) continue;
    events.push_back(
        BookingLost{id, fmt::format("waits for job {}, which ends late", job.id.value)});
  }
  return events;
}

std::vector<Event> mend_late(const View& view) {
  std::vector<JobId> late;
  for (const JobId id : view.jobs.late) {
    if (!view.jobs.jobs.at(id).spec.bid.firm) late.push_back(id);
  }
  if (late.empty()) return {};
  const era::Mended mended = era::mend(view.plan, late, view.now);
  if (mended.moves.empty()) return {};
  return {moved(view, mended.moves, "what it waits for ends later")};
}

std::vector<Event> end_unreachable(const View& view, const Job& job) {
  const auto cannot_come = [&](const Dependency& wish) {
    const Job* parent = find(view.jobs, wish.job);
    return parent == nullptr || domain::is_final(parent->state);
  };
  const auto& wish = *std::ranges::find_if(job.waits_for, cannot_come);
  const Job* parent = find(view.jobs, wish.job);
  const std::string end = parent == nullptr ? "forgotten" : name_of(parent->state);
  return end_job(view, job, JobState::cancelled,
                 fmt::format("job {} is {}, and it was to start after its {}", wish.job.value, end,
                             wanted(wish.when)));
}

bool is_late_by_own_doing(const State& state, const Job& job) {
  if (job.attempts_made > 0) return false;
  std::set<JobId> seen;
  std::vector<const Job*> left{&job};
  while (!left.empty()) {
    const Job* each = left.back();
    left.pop_back();
    for (const Dependency& wish : each->spec.after) {
      const Job* parent = find(state, wish.job);
      if (parent == nullptr || !seen.insert(wish.job).second) continue;
      if (parent->extended) return true;
      left.push_back(parent);
    }
  }
  return false;
}

std::string why_broken(const State& state, const Job& job) {
  if (!job.waits_for.empty()) {
    return fmt::format("job {} ended too late for its promise", job.waits_for.front().job.value);
  }
  if (is_late_by_own_doing(state, job))
    return "a job that it waited for ended too late for its promise";
  return "its nodes were lost or closed and there is no time left to keep the promise";
}

void settle_children(State& state, era::Plan& plan, JobId id, Time at) {
  const JobState end = state.jobs.at(id).state;
  for (const JobId child_id : children_of(state, id)) {
    Job& child = state.jobs.at(child_id);
    unindex(state, child);
    std::erase_if(child.waits_for,
                  [&](const Dependency& wish) { return wish.job == id && meets(wish.when, end); });
    const bool waits_for_room = child.waits_for.empty() && !child.booking;
    if (waits_for_room) {
      child.cause = "waits for idle capacity";
      child.history.push_back({at, child.state, child.cause});
    }
    index(state, child);
    set_window(state, plan, child_id);
    ++state.queued;
  }
}

void keep_in_order(State& state, era::Plan& plan, JobId id) {
  const auto found = state.jobs.find(id);
  if (found == state.jobs.end()) return;
  const auto children = children_of(state, id);
  if (found->second.spec.after.empty() && children.empty()) return;
  const auto parents = found->second.spec.after;
  for (const Dependency& parent : parents) set_window(state, plan, parent.job);
  set_window(state, plan, id);
  for (const JobId child : children) set_window(state, plan, child);
}

}  // namespace ledger::jobs
