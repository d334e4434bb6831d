#include "api/bids.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <utility>
#include <vector>

#include "api/quotes.h"
#include "ledger/jobs/together.h"

namespace api {
namespace {

using base::ErrorCode;
using ledger::jobs::Job;

constexpr std::int64_t kMostCount = 10'000;
constexpr int kBidsAtOnce = 64;  ///< Of one request: others get their turn in between.

struct JobOfBody {
  domain::JobSpec spec;
  std::int64_t count = 1;
};
BOOST_DESCRIBE_STRUCT(JobOfBody, (), (spec, count))

struct BidBody {
  std::optional<domain::JobSpec> spec;
  std::optional<std::string> quote_id;
  std::int64_t count = 1;
  std::vector<JobOfBody> jobs;

  /// Whether all are accepted or none.
  bool is_together() const { return !jobs.empty() || (spec && spec->repeat); }
};
BOOST_DESCRIBE_STRUCT(BidBody, (), (spec, quote_id, count, jobs))

base::Result<> check_together(const BidBody& body) {
  if (!body.jobs.empty() && (body.spec || body.quote_id || body.count != 1))
    return base::invalid("jobs", "stands alone: each of its jobs has its own spec and count");
  if (body.spec && body.spec->repeat && (body.quote_id || body.count != 1))
    return base::invalid("repeat", "a repeated job has neither a count nor a quote");
  std::int64_t all = 0;
  for (std::size_t i = 0; i < body.jobs.size(); ++i) {
    const auto most = static_cast<std::int64_t>(ledger::jobs::kMostTogether);
    const std::int64_t count = body.jobs[i].count;
    all += count;
    if (count < 1 || all > most)
      return base::invalid(fmt::format("jobs[{}].count", i), "must be 1 to {} in all", most);
  }
  return {};
}

base::Result<BidBody> bid_body(const Call& call) {
  auto parsed = parse_body(call);
  if (!parsed) return base::pass(parsed);
  auto body = base::from_json<BidBody>(*parsed, base::Mode::strict);
  if (!body) return std::unexpected(without_spec(std::move(body).error()));
  if (body->spec) fill_in(*parsed, *body->spec);
  for (std::size_t i = 0; i < body->jobs.size(); ++i) {
    fill_in(parsed->at("jobs").at(i), body->jobs[i].spec);
  }
  if (auto good = check_together(*body); !good) return base::pass(good);
  if (!body->spec && !body->quote_id && body->jobs.empty())
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

/// The specs of one submission, each as often as its count says.
std::vector<domain::JobSpec> specs_of(const BidBody& body) {
  std::vector<domain::JobSpec> specs;
  if (body.spec) specs.push_back(*body.spec);
  for (const auto& each : body.jobs) {
    specs.insert(specs.end(), static_cast<std::size_t>(each.count), each.spec);
  }
  return specs;
}

/// A name that stands further down alone is a mistake: an earlier submission's job is not meant.
base::Result<> check_order(const BidBody& body, std::size_t place) {
  const domain::JobSpec& spec = body.jobs[place].spec;
  const auto is_named = [&](std::size_t from, std::size_t end, const std::string& name) {
    while (from < end && body.jobs[from].spec.name != name) ++from;
    return from < end;
  };
  for (std::size_t i = 0; i < spec.after.size(); ++i) {
    const std::string& name = spec.after[i].name;
    const bool is_below = !name.empty() && name != spec.name &&
                          is_named(place + 1, body.jobs.size(), name) && !is_named(0, place, name);
    if (!is_below) continue;
    return base::invalid(fmt::format("after[{}].name", i),
                         "the job called '{}' stands further down in the list; put it above", name);
  }
  return {};
}

base::Result<> check_all_parents(const Call& call, const Reading& reading, const BidBody& body) {
  if (body.spec) return check_parents(call, reading, *body.spec);
  for (std::size_t i = 0; i < body.jobs.size(); ++i) {
    auto good = check_parents(call, reading, body.jobs[i].spec);
    if (good) good = check_order(body, i);
    if (good) continue;
    base::Error error = std::move(good).error();
    error.field = fmt::format("jobs[{}].{}", i, error.field);
    return std::unexpected(std::move(error));
  }
  return {};
}

/// The ledger counts jobs, of which an entry of the body may be several: names the entry.
base::Error in_body(base::Error error, const BidBody& body) {
  constexpr std::string_view kJobs = "jobs[";
  if (!error.field.starts_with(kJobs)) return error;
  std::int64_t job = 0;
  const char* const end = error.field.data() + error.field.size();
  const char* const rest = std::from_chars(error.field.data() + kJobs.size(), end, job).ptr;
  std::size_t entry = 0;
  while (entry < body.jobs.size() && job >= body.jobs[entry].count) job -= body.jobs[entry++].count;
  error.field = fmt::format("jobs[{}{}", entry, std::string_view(rest, end));
  return error;
}

/// The jobs that the submission has made.
void reply_together(const CallPtr& call, const domain::CommandId& id, const Reading& reading) {
  const auto& state = reading.state.jobs;
  boost::json::array jobs;
  bool is_any_accepted = false;
  for (std::size_t i = 0;; ++i) {
    const auto made = state.by_command.find(ledger::jobs::numbered(id, i));
    if (made == state.by_command.end()) break;
    const Job& job = state.jobs.at(made->second);
    is_any_accepted = is_any_accepted || job.state != domain::JobState::refused;
    jobs.push_back(view(reader_of(*call, reading), reading, job));
  }
  if (jobs.empty()) {
    return finish(*call, std::unexpected(base::Error{ErrorCode::gone,
                                                     "the job of this Idempotency-Key is forgotten",
                                                     "Idempotency-Key"}));
  }
  boost::json::object body;
  body.emplace("jobs", std::move(jobs));
  finish(*call, json_response(is_any_accepted ? 201 : 200, body));
}

/// All or none.
void bid_together(Service& service, const CallPtr& call, const BidBody& body) {
  service.enter(call, [&service, call, body](const Reading& reading) {
    auto id = service.command_id(*call);
    if (!id) return finish(*call, base::pass(id));
    if (reading.state.jobs.by_command.contains(ledger::jobs::numbered(*id, 0)))
      return reply_together(call, *id, reading);
    if (auto good = check_all_parents(*call, reading, body); !good)
      return finish(*call, base::pass(good));
    ledger::jobs::MakeBids wish{call->asker.user, call->asker.team, specs_of(body)};
    const bool queued = service.desk().submit(
        {*id, call->asker.user, ledger::jobs::Command(std::move(wish))},
        [call, id = *id, body](const base::Result<>& done, const Reading& after) {
          if (!done) return finish(*call, std::unexpected(in_body(done.error(), body)));
          reply_together(call, id, after);
        });
    if (!queued) finish(*call, std::unexpected(busy()));
  });
}

}  // namespace

void post_jobs(Service& service, const CallPtr& call) {
  auto body = bid_body(*call);
  if (body && body->is_together()) return bid_together(service, call, *body);
  const bool is_plain = body && !body->quote_id && body->count == 1 && body->spec->after.empty();
  if (const auto asker = service.known_asker(*call); asker && is_plain) {
    call->asker = *asker;
    return bid_at_once(service, call, *std::move(body));
  }
  service.enter(call, [&service, call, body = std::move(body)](const Reading& reading) {
    if (!body) return finish(*call, std::unexpected(body.error()));
    auto id = service.command_id(*call);
    if (!id) return finish(*call, base::pass(id));
    ledger::jobs::MakeBid bid{call->asker.user, call->asker.team, {}, std::nullopt};
    const bool is_repeat = reading.state.jobs.by_command.contains({id->value + "#0"});
    if (body->quote_id) {
      if (!is_repeat) {
        auto quoted = quoted_bid(*call, reading, *body->quote_id, body->spec);
        if (!quoted) return finish(*call, base::pass(quoted));
        bid = *std::move(quoted);
      }
    } else {
      bid.spec = *body->spec;
      auto good = is_repeat ? base::Result<>() : check_parents(*call, reading, bid.spec);
      if (!good) return finish(*call, base::pass(good));
    }
    std::make_shared<Bids>(service, call, body->count)->start(*std::move(id), std::move(bid));
  });
}

}  // namespace api
