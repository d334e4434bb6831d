#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "api/quotes.h"
#include "api/routes.h"
#include "ledger/jobs/jobs.h"

namespace api {
namespace {

using base::ErrorCode;
using ledger::jobs::Job;

constexpr std::int64_t kMostCount = 10'000;
constexpr int kBidsAtOnce = 64;  ///< Of one request: others get their turn in between.
constexpr std::int64_t kMostListed = 1'000;
constexpr int kMostLookedAt = 20'000;  ///< Jobs that one list request looks at.

struct BidBody {
  std::optional<domain::JobSpec> spec;
  std::optional<std::string> quote_id;
  std::int64_t count = 1;
};
BOOST_DESCRIBE_STRUCT(BidBody, (), (spec, quote_id, count))

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

struct MoveBody {
  ledger::jobs::QueueSpot spot = ledger::jobs::QueueSpot::top;
  domain::JobId other;
};
BOOST_DESCRIBE_STRUCT(MoveBody, (), (spot, other))

struct Nothing {};
BOOST_DESCRIBE_STRUCT(Nothing, (), ())

base::Result<BidBody> bid_body(const Call& call) {
  auto parsed = parse_body(call);
  if (!parsed) return base::pass(parsed);
  auto body = base::from_json<BidBody>(*parsed, base::Mode::strict);
  if (!body) return std::unexpected(without_spec(std::move(body).error()));
  if (body->spec) fill_in(*parsed, *body->spec);
  if (!body->spec && !body->quote_id)
    return base::invalid("spec", "a bid needs a spec or a quote_id");
  if (body->count < 1 || body->count > kMostCount) {
    return base::invalid("count", "must be {} to {}", 1, kMostCount);
  }
  if (body->quote_id && body->count > 1) return base::invalid("count", "a quote is for one job");
  return body;
}

/// The bids of one request, of which a few are under way at a time. Control thread only, but for
/// `start`.
class Bids : public std::enable_shared_from_this<Bids> {
 public:
  Bids(Service& service, CallPtr call, std::int64_t count)
      : service_(service),
        call_(std::move(call)),
        count_(count),
        jobs_(static_cast<std::size_t>(count)) {}

  void start(domain::CommandId id, ledger::jobs::MakeBid bid) {
    id_ = std::move(id);
    bid_ = std::move(bid);
    if (count_ == 1) return start_only();
    go_on();
  }

 private:
  ledger::Command command(ledger::jobs::MakeBid bid) const {
    const auto id = fmt::format("{}#{}", id_.value, started_);
    return {{id}, call_->asker.user, ledger::jobs::Command(std::move(bid))};
  }

  /// Everything is set before the submit, whose reply may come on another thread at once.
  void start_only() {
    ledger::Command only = command(std::move(bid_));
    started_ = 1;
    send(std::move(only), 0);
  }

  /// Starts what may be under way, and replies when nothing is left. A reply that comes inside the
  /// submit finds `going_` set: the loop goes on, not deeper.
  void go_on() {
    if (std::exchange(going_, true)) return;
    while (error_.message.empty() && started_ < count_ && started_ - ended_ < kBidsAtOnce) {
      ledger::Command next = command(bid_);
      const std::int64_t index = started_++;
      send(std::move(next), index);
    }
    going_ = false;
    if (ended_ == started_) reply();
  }

  void send(ledger::Command command, std::int64_t index) {
    const domain::CommandId id = command.id;
    const bool queued = service_.desk().submit(
        std::move(command),
        [self = shared_from_this(), id, index](const base::Result<>& done, const Reading& reading) {
          self->take(done, id, index, reading);
        });
    if (queued) return;
    if (error_.message.empty()) error_ = busy();
    end_one();
  }

  void take(const base::Result<>& done, const domain::CommandId& id, std::int64_t index,
            const Reading& reading) {
    if (index == 0) service_.remember(*call_, reading);
    const auto& jobs = reading.state.jobs;
    const auto made = jobs.by_command.find(id);
    const Job* job = made == jobs.by_command.end() ? nullptr : find(jobs, made->second);
    if (!done) {
      if (error_.message.empty()) error_ = done.error();
    } else if (job == nullptr) {
      error_ = {ErrorCode::gone, "the job of this Idempotency-Key is forgotten", "Idempotency-Key"};
    } else {
      is_any_accepted_ = is_any_accepted_ || job->state != domain::JobState::refused;
      jobs_[static_cast<std::size_t>(index)] = view(reader_of(*call_, reading), reading, *job);
    }
    end_one();
  }

  void end_one() {
    ++ended_;
    go_on();
  }

  void reply() {
    if (!error_.message.empty()) return finish(*call_, std::unexpected(error_));
    boost::json::object body;
    body.emplace("jobs", boost::json::array(jobs_.begin(), jobs_.end()));
    finish(*call_, json_response(is_any_accepted_ ? 201 : 200, body));
  }

  Service& service_;
  const CallPtr call_;
  const std::int64_t count_;
  domain::CommandId id_;
  ledger::jobs::MakeBid bid_;
  std::int64_t started_ = 0;
  std::int64_t ended_ = 0;
  bool going_ = false;
  std::vector<boost::json::value> jobs_;
  bool is_any_accepted_ = false;
  base::Error error_{};
};

/// The hot path: whose token was seen before bids at once; the state is looked at when it is
/// decided.
void bid_at_once(Service& service, const CallPtr& call, BidBody body) {
  auto id = service.command_id(*call);
  if (!id) return finish(*call, base::pass(id));
  std::make_shared<Bids>(service, call, 1)
      ->start(*std::move(id),
              {call->asker.user, call->asker.team, *std::move(body.spec), std::nullopt});
}

void post_jobs(Service& service, const CallPtr& call) {
  auto body = bid_body(*call);
  const bool is_plain = body && !body->quote_id && body->count == 1;
  if (const auto asker = service.known_asker(*call); asker && is_plain) {
    call->asker = *asker;
    return bid_at_once(service, call, *std::move(body));
  }
  service.enter(call, [&service, call, body = std::move(body)](const Reading& reading) {
    if (!body) return finish(*call, std::unexpected(body.error()));
    auto id = service.command_id(*call);
    if (!id) return finish(*call, base::pass(id));
    ledger::jobs::MakeBid bid{call->asker.user, call->asker.team, {}, std::nullopt};
    if (body->quote_id) {
      const bool is_repeat = reading.state.jobs.by_command.contains({id->value + "#0"});
      if (!is_repeat) {
        auto quoted = quoted_bid(*call, reading, *body->quote_id, body->spec);
        if (!quoted) return finish(*call, base::pass(quoted));
        bid = *std::move(quoted);
      }
    } else {
      bid.spec = *body->spec;
    }
    std::make_shared<Bids>(service, call, body->count)->start(*std::move(id), std::move(bid));
  });
}

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
  const auto wish = [body = body_of<Nothing>(*call)](
                        const Call& asked, const Reading& reading) -> base::Result<ledger::Wish> {
    if (!body) return std::unexpected(body.error());
    auto job = find_job(asked, reading);
    if (!job) return base::pass(job);
    const std::string cause = fmt::format("cancelled by {}", asked.asker.user.value);
    return ledger::jobs::Command(ledger::jobs::CancelJob{(*job)->id, cause});
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
