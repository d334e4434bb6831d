#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "api/bids.h"
#include "api/quotes.h"
#include "api/routes.h"
#include "ledger/jobs/jobs.h"

namespace api {
namespace {

using base::ErrorCode;
using ledger::jobs::Job;

constexpr std::int64_t kMostListed = 1'000;
constexpr int kMostLookedAt = 20'000;  ///< Jobs that one list request looks at.

struct CancelBody {
  bool series = false;
};
BOOST_DESCRIBE_STRUCT(CancelBody, (), (series))

struct MoveBody {
  ledger::jobs::QueueSpot spot = ledger::jobs::QueueSpot::top;
  domain::JobId other;
};
BOOST_DESCRIBE_STRUCT(MoveBody, (), (spot, other))

struct JobList {
  std::vector<JobSummary> jobs;
  std::optional<domain::JobId> next;
};
BOOST_DESCRIBE_STRUCT(JobList, (), (jobs, next))

struct ExtendBody {
  domain::Duration duration;
  std::optional<domain::Money> max_price;
};
BOOST_DESCRIBE_STRUCT(ExtendBody, (), (duration, max_price))

/// Which jobs a list is about.
struct Filter {
  bool live_only = false;
  std::set<domain::JobState> states;  ///< Empty: any.
  std::optional<std::string> user;
  std::optional<std::string> team;
  std::int64_t limit = 100;
  domain::JobId before{std::int64_t{1} << 62};

  bool takes(const Job& job) const {
    if (live_only && domain::is_final(job.state)) return false;
    if (!states.empty() && !states.contains(job.state)) return false;
    return (!user || job.user.value == *user) && (!team || job.team.value == *team);
  }
};

base::Result<> read_states(std::string_view list, Filter& filter) {
  while (true) {
    const std::size_t comma = list.find(',');
    const std::string name(list.substr(0, comma));
    if (name == "live") {
      filter.live_only = true;
    } else if (name != "all") {
      auto state = base::from_json<domain::JobState>(boost::json::value(base::valid_utf8(name)),
                                                     base::Mode::strict);
      if (!state) return base::invalid("state", "{}; also live and all", state.error().message);
      filter.states.insert(*state);
    }
    if (comma == list.npos) return {};
    list.remove_prefix(comma + 1);
  }
}

base::Result<Filter> filter_of(const Call& call) {
  Filter filter;
  filter.user = text(call, "user");
  filter.team = text(call, "team");
  if (const auto states = text(call, "state")) {
    if (auto good = read_states(*states, filter); !good) return base::pass(good);
  }
  auto limit = number_or(call, "limit", {1, kMostListed}, filter.limit);
  if (!limit) return base::pass(limit);
  filter.limit = *limit;
  auto before = number_or(call, "before", {1, filter.before.value}, filter.before.value);
  if (!before) return base::pass(before);
  filter.before.value = *before;
  return filter;
}

/// The jobs of the one team whose jobs can be in the list; null if they may be any team's.
const std::set<domain::JobId>* jobs_of_team(const Call& call, const Reading& reading,
                                            const Filter& filter) {
  static const std::set<domain::JobId> none;
  const bool sees_all = call.asker.role >= Role::operator_;
  if (!filter.team && sees_all) return nullptr;
  const auto& teams = reading.state.jobs.by_team;
  const auto found = teams.find(filter.team ? domain::TeamId{*filter.team} : call.asker.team);
  return found == teams.end() ? &none : &found->second;
}

/// Walks back from the newest job before `filter.before`; looks at a bounded number of them.
template <class Jobs>
JobList list(const Call& call, const Reading& reading, const Filter& filter, const Jobs& jobs) {
  const words::Reader reader = reader_of(call, reading);
  JobList page;
  int looked_at = 0;
  for (auto at = jobs.lower_bound(filter.before); at != jobs.begin();) {
    --at;
    const Job* job = nullptr;
    if constexpr (requires { at->second; }) {
      job = &at->second;
    } else {
      job = find(reading.state.jobs, *at);
    }
    if (sees(call, *job) && filter.takes(*job)) page.jobs.push_back(summary(reader, reading, *job));
    const bool is_full = page.jobs.size() >= static_cast<std::size_t>(filter.limit);
    if ((is_full || ++looked_at >= kMostLookedAt) && at != jobs.begin()) {
      page.next = job->id;
      break;
    }
    if (is_full) break;
  }
  return page;
}

void get_jobs(Service& service, const CallPtr& call) {
  service.look(call,
               [filter = filter_of(*call)](const Call& asked, const Reading& reading) -> Answer {
                 if (!filter) return std::unexpected(filter.error());
                 const auto& jobs = reading.state.jobs;
                 const std::set<domain::JobId>* theirs = jobs_of_team(asked, reading, *filter);
                 const bool is_short = theirs != nullptr && theirs->size() < jobs.live.size();
                 if (filter->live_only && !is_short)
                   return ok(list(asked, reading, *filter, jobs.live));
                 if (theirs != nullptr) return ok(list(asked, reading, *filter, *theirs));
                 return ok(list(asked, reading, *filter, jobs.jobs));
               });
}

Answer show_job(const Call& call, const Reading& reading) {
  auto job = find_job(call, reading);
  if (!job) return base::pass(job);
  return json_response(200, view(reader_of(call, reading), reading, **job));
}

void get_job(Service& service, const CallPtr& call) { service.look(call, show_job); }

void cancel_job(Service& service, const CallPtr& call) {
  const auto wish = [body = body_of<CancelBody>(*call)](
                        const Call& asked, const Reading& reading) -> base::Result<ledger::Wish> {
    if (!body) return std::unexpected(body.error());
    auto job = find_job(asked, reading);
    if (!job) return base::pass(job);
    const std::string cause = fmt::format("cancelled by {}", asked.asker.user.value);
    return ledger::jobs::Command(ledger::jobs::CancelJob{(*job)->id, cause, body->series});
  };
  service.change(call, wish, show_job);
}

void extend_job(Service& service, const CallPtr& call) {
  const auto wish = [body = body_of<ExtendBody>(*call)](
                        const Call& asked, const Reading& reading) -> base::Result<ledger::Wish> {
    if (!body) return std::unexpected(body.error());
    auto job = find_job(asked, reading);
    if (!job) return base::pass(job);
    return ledger::jobs::Command(
        ledger::jobs::ExtendJob{(*job)->id, body->duration, body->max_price});
  };
  service.change(call, wish, show_job);
}

/// Members move their own jobs among their own; operators any job among its team's.
void move_job(Service& service, const CallPtr& call) {
  const auto wish = [body = body_of<MoveBody>(*call)](
                        const Call& asked, const Reading& reading) -> base::Result<ledger::Wish> {
    if (!body) return std::unexpected(body.error());
    auto job = find_job(asked, reading);
    if (!job) return base::pass(job);
    const bool is_operator = asked.asker.role >= Role::operator_;
    if (!is_operator && (*job)->user != asked.asker.user) {
      return base::fail(ErrorCode::permission_denied, "job {} is {}'s; operators may move it",
                        (*job)->id.value, (*job)->user.value);
    }
    std::optional<domain::UserId> of;
    if (!is_operator) of = asked.asker.user;
    return ledger::jobs::Command(
        ledger::jobs::MoveInQueue{(*job)->id, body->spot, body->other, of});
  };
  service.change(call, wish, show_job);
}

}  // namespace

std::vector<Route> job_routes() {
  return {
      {"POST", "/v1/jobs", Role::member, post_jobs},
      {"GET", "/v1/jobs", Role::member, get_jobs, {"state", "user", "team", "limit", "before"}},
      {"GET", "/v1/jobs/{id}", Role::member, get_job},
      {"POST", "/v1/jobs/{id}/cancel", Role::member, cancel_job},
      {"POST", "/v1/jobs/{id}/extend", Role::member, extend_job},
      {"POST", "/v1/jobs/{id}/move", Role::member, move_job},
  };
}

}  // namespace api
