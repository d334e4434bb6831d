#include "ledger/jobs/together.h"

#include <algorithm>

#include "ledger/jobs/offers.h"

namespace ledger::jobs {
namespace {

using base::Result;
using domain::CommandId;
using domain::Duration;
using domain::JobId;
using domain::JobSpec;
using domain::Time;
using Events = std::vector<Event>;

/// A copy of what decisions look at, on which bids are tried.
class Draft {
 public:
  explicit Draft(const View& real)
      : real_(real), jobs_(real.jobs), accounts_(real.accounts), plan_(real.plan) {}

  View view() const { return {jobs_, accounts_, real_.nodes, real_.limits, plan_, real_.now}; }

  void take(const Events& events) {
    for (const Event& event : events) {
      apply(jobs_, plan_, event, real_.now);
      const auto* moved = std::get_if<accounts::MoneyMoved>(&event);
      if (moved != nullptr) accounts::apply(accounts_, *moved, real_.now);
    }
  }

 private:
  const View& real_;
  State jobs_;
  accounts::State accounts_;
  era::Plan plan_;
};

const BidRefused* refusal_in(const Events& events) {
  const auto* first = events.empty() ? nullptr : std::get_if<BidRefused>(&events.front());
  return first;
}

/// All are refused: the one at fault for its own reason, the others with it.
Events refuse_all(const View& view, const CommandId& command, const MakeBids& wish,
                  std::size_t at_fault, const BidRefused& why) {
  Events events;
  for (std::size_t i = 0; i < wish.specs.size(); ++i) {
    const JobId job{view.jobs.next_job + static_cast<std::int64_t>(i)};
    BidRefused refused{job, numbered(command, i), wish.user, wish.team, {}, {}};
    if (i == at_fault) {
      refused.spec = why.spec;
      refused.refusal = why.refusal;
    } else {
      refused.spec = as_taken(view, wish.specs[i]);
      refused.refusal.reason = era::RefusalReason::refused_together;
      refused.refusal.blocking = {{view.jobs.next_job + static_cast<std::int64_t>(at_fault)}};
    }
    // Numbers of jobs that are refused with it mean nothing to those who read it later.
    std::erase_if(refused.spec.after, [&](const domain::Dependency& parent) {
      return parent.job.value >= view.jobs.next_job || !parent.name.empty();
    });
    events.push_back(std::move(refused));
  }
  return events;
}

Result<std::vector<JobSpec>> all_specs(const MakeBids& wish, Time now) {
  if (wish.specs.empty() || wish.specs.size() > kMostTogether)
    return base::invalid("jobs", "must be {} to {}", 1, kMostTogether);
  if (wish.specs.size() == 1) return occurrences(wish.specs.front(), now);
  for (std::size_t i = 0; i < wish.specs.size(); ++i) {
    if (wish.specs[i].repeat)
      return base::invalid(fmt::format("jobs[{}].repeat", i), "only a job bid alone is repeated");
  }
  return wish.specs;
}

}  // namespace

CommandId numbered(const CommandId& command, std::size_t number) {
  return {fmt::format("{}#{}", command.value, number)};
}

Result<Events> decide_together(const View& view, const CommandId& command, const MakeBids& asked) {
  if (command.value.empty()) return base::invalid("command", "a bid needs an id");
  if (view.jobs.by_command.contains(numbered(command, 0))) return Events{};
  auto specs = all_specs(asked, view.now);
  if (!specs) return base::pass(specs);
  const MakeBids wish{asked.user, asked.team, *std::move(specs)};
  Draft draft(view);
  Events all;
  for (std::size_t i = 0; i < wish.specs.size(); ++i) {
    const MakeBid bid{wish.user, wish.team, wish.specs[i], std::nullopt, std::nullopt};
    auto events = decide(draft.view(), numbered(command, i), bid);
    if (!events) {
      base::Error error = std::move(events).error();
      if (asked.specs.size() > 1) error.field = fmt::format("jobs[{}].{}", i, error.field);
      return std::unexpected(std::move(error));
    }
    if (const auto* why = refusal_in(*events)) return refuse_all(view, command, wish, i, *why);
    draft.take(*events);
    std::ranges::move(*events, std::back_inserter(all));
  }
  return all;
}

Result<std::vector<JobSpec>> occurrences(const JobSpec& spec, Time now) {
  if (!spec.repeat) return std::vector{spec};
  const domain::Repeat& repeat = *spec.repeat;
  if (repeat.every < domain::kMinute || repeat.every > domain::kDay * 90)
    return base::invalid("repeat.every", "must be 1 minute to 90 days");
  if (repeat.times.has_value() == repeat.until.has_value())
    return base::invalid("repeat.times", "either how often or until when");
  if (repeat.times && (*repeat.times < 1 || *repeat.times > kMostOccurrences))
    return base::invalid("repeat.times", "must be {} to {}", 1, kMostOccurrences);
  if (spec.bid.job_class == domain::JobClass::eager)
    return base::invalid("repeat", "an eager job starts now, so it is not repeated");
  JobSpec each = spec;
  each.repeat.reset();
  each.bid.earliest = std::max(each.bid.earliest, now);
  const bool has_end = each.bid.deadline != domain::kNever;
  if (!has_end && each.bid.job_class == domain::JobClass::reserved)
    each.bid.deadline = each.bid.earliest + std::max(repeat.every, each.bid.duration);
  const bool shifts_end = each.bid.deadline != domain::kNever;
  std::vector<JobSpec> all;
  while (repeat.times ? std::ssize(all) < *repeat.times : each.bid.earliest < *repeat.until) {
    if (std::ssize(all) == kMostOccurrences)
      return base::invalid("repeat.until", "at most {} times", kMostOccurrences);
    all.push_back(each);
    each.bid.earliest = each.bid.earliest + repeat.every;
    if (shifts_end) each.bid.deadline = each.bid.deadline + repeat.every;
  }
  if (all.empty()) return base::invalid("repeat.until", "lies before the first start");
  return all;
}

}  // namespace ledger::jobs
