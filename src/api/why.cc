#include <algorithm>

#include "api/routes.h"
#include "api/views.h"
#include "ledger/jobs/flex.h"
#include "ledger/jobs/index.h"
#include "ledger/jobs/jobs.h"
#include "ledger/jobs/queue_order.h"
#include "ledger/jobs/quota.h"
#include "ledger/nodes/nodes.h"
#include "words/amounts.h"

namespace api {
namespace {

using domain::JobState;
using domain::Time;
using ledger::jobs::Held;
using ledger::jobs::Job;

constexpr std::size_t kMostBlockers = 8;
constexpr int kMostTried = 32;             ///< Moments at which a place is looked for.
constexpr std::size_t kMostAhead = 1'000;  ///< Flex jobs that are counted.

struct Blocker {
  std::optional<domain::JobId> job;  ///< Left out: the caller may not know of it.
  Time until;
  std::string text;
};
BOOST_DESCRIBE_STRUCT(Blocker, (), (job, until, text))

struct WhyView {
  domain::JobId job;
  JobState state = JobState::queued;
  std::string text;
  std::vector<Blocker> blocking;
  Time expected_start;
  Time until;
  std::vector<std::string> would_help;
};
BOOST_DESCRIBE_STRUCT(WhyView, (), (job, state, text, blocking, expected_start, until, would_help))

struct Question {
  const words::Reader& reader;
  const Reading& reading;
  const Job& job;

  std::string say(std::string_view id, std::initializer_list<std::string_view> values = {}) const {
    return words::say(reader.language, id, values);
  }
};

Blocker blocker(const Question& question, domain::JobId id) {
  Blocker shown;
  const std::string name = words::job_name(question.reader, id);
  if (question.reader.sees(id)) shown.job = id;
  const Job* job = ledger::jobs::find(question.reading.state.jobs, id);
  if (job != nullptr) shown.until = planned(*job).finish;
  shown.text = shown.until > Time{} ? question.say("why.holds", {name, words::time(shown.until)})
                                    : question.say("why.holds_open", {name});
  return shown;
}

/// Jobs other than the one asked about, the first to end first; at most 8, and when that one ends.
void add_blockers(const Question& question, const std::set<domain::JobId>& jobs, WhyView& shown) {
  for (const domain::JobId id : jobs) {
    if (id != question.job.id) shown.blocking.push_back(blocker(question, id));
  }
  std::ranges::stable_sort(shown.blocking, {}, [](const Blocker& each) {
    return each.until > Time{} ? each.until : domain::kNever;
  });
  if (shown.blocking.size() > kMostBlockers) shown.blocking.resize(kMostBlockers);
  if (!shown.blocking.empty()) shown.until = shown.blocking.front().until;
}

/// What is held on `nodes` now.
template <class Nodes>
std::set<domain::JobId> holders(const Reading& reading, const Nodes& nodes) {
  std::set<domain::JobId> jobs;
  const auto& held = reading.state.jobs.held;
  for (const domain::NodeId& node : nodes) {
    const auto places = held.find(node);
    if (places == held.end()) continue;
    for (const Held& place : places->second) jobs.insert(place.job);
  }
  return jobs;
}

void explain_refused(const Question& question, WhyView& shown) {
  const era::Refusal refusal = question.job.refusal.value_or(era::Refusal{});
  for (const domain::JobId id : refusal.blocking) {
    shown.blocking.push_back(blocker(question, id));
  }
  shown.until = refusal.blocked_until.value_or(Time{});
  shown.would_help = words::would_help(question.reader, refusal);
}

void offer_cancelling(const Question& question, WhyView& shown) {
  for (const Blocker& each : shown.blocking) {
    if (!each.job) continue;
    const std::string name = words::job_name(question.reader, *each.job);
    shown.would_help.push_back(question.say("help.cancel_other", {name}));
    return;
  }
}

/// Nodes that the shape may be put on, as far as pool and model say.
std::vector<domain::NodeId> candidates(const Question& question) {
  const auto& shape = question.job.spec.bid.shape;
  std::vector<domain::NodeId> nodes;
  for (const auto& [id, node] : question.reading.state.nodes.nodes) {
    const bool in_pool = shape.pool.empty() || node.pool.value == shape.pool;
    const bool of_model = shape.gpu_model.empty() ||
                          era::lower_case(node.gpu_model) == era::lower_case(shape.gpu_model);
    const bool has_gpus = shape.per_rank.gpus == 0 || !node.gpu_model.empty();
    if (in_pool && of_model && has_gpus) nodes.push_back(id);
  }
  return nodes;
}

/// Why a node takes no work now, if it takes none.
struct Shut {
  std::string cause;
  std::optional<Time> opens;                                 ///< If that is known.
  enum class Help { none, open, resume } help = Help::open;  ///< What an operator can do.
};

std::optional<Shut> shut(const Question& question, const ledger::nodes::Node& node) {
  if (node.state == domain::NodeState::suspended)
    return Shut{question.say("why.off"), std::nullopt, Shut::Help::none};
  if (node.state == domain::NodeState::resuming) {
    constexpr std::int64_t kSlot = domain::kMinute.ms;
    Time up = node.since + ledger::nodes::time_to_come_up(node);
    up.ms = (up.ms + kSlot - 1) / kSlot * kSlot;  // The plan counts in whole minutes.
    return Shut{question.say("why.comes_up", {words::time(up)}), up, Shut::Help::none};
  }
  if (node.state != domain::NodeState::ready)
    return Shut{words::cause(question.reader, node.cause), std::nullopt, Shut::Help::resume};
  const Reading& reading = question.reading;
  const auto closing = ledger::nodes::next_closing(reading.state.nodes, node, reading.now);
  if (!closing || closing->when.from > reading.now) return std::nullopt;
  Shut found{question.say("why.closed"), opening_of(reading, node, reading.now)};
  if (found.opens) found.cause = question.say("why.closed_until", {words::time(*found.opens)});
  const std::string& cause = closing->closure->cause;
  if (!cause.empty()) found.cause = question.say("why.closed_for", {found.cause, cause});
  return found;
}

/// When the shape first has a place if every flex job that runs ends as planned, nodes open as
/// planned, and no job comes; 0: not among the moments looked at. The queue ahead is not counted,
/// so it is "at the earliest".
Time first_place(const Question& question, const std::set<domain::JobId>& running,
                 const std::set<Time>& openings) {
  const auto& state = question.reading.state;
  const auto& bid = question.job.spec.bid;
  const domain::Duration need = std::min(bid.duration, ledger::jobs::kWorthStarting);
  std::set<std::pair<Time, domain::JobId>> ends{{std::max(question.reading.now, bid.earliest), {}}};
  for (const Time at : openings) ends.emplace(std::max(at, bid.earliest), domain::JobId{});
  for (const domain::JobId id : running) {
    ends.emplace(planned(state.jobs.jobs.at(id)).finish, id);
  }
  auto in_use = state.jobs.flex_held;
  int tried = 0;
  for (const auto& [end, id] : ends) {
    for (auto& [node, amount] : in_use) {
      const auto places = state.jobs.held.find(node);
      if (places == state.jobs.held.end()) continue;
      for (const Held& place : places->second) {
        if (place.flex && place.job == id) amount = amount - place.amount;
      }
    }
    const Time at = std::max(end, question.reading.now);
    if (era::place_flex(state.plan, in_use, bid.shape, at, need)) return at;
    if (++tried >= kMostTried) break;
  }
  return {};
}

std::optional<domain::QuotaReached> quota_in_the_way(const Question& question) {
  const auto& state = question.reading.state;
  const ledger::jobs::View looked{state.jobs,   state.accounts, state.nodes,
                                  state.limits, state.plan,     question.reading.now};
  return ledger::jobs::flex_over(looked, question.job);
}

/// What of `nodes` takes no work now.
struct Closed {
  std::string named;  ///< "n1 (drained by ada), n2 (...)", if none of them takes any.
  std::set<Time> openings;
  Shut::Help help = Shut::Help::none;  ///< The most that one of them waits for.
};

Closed closed_now(const Question& question, const std::vector<domain::NodeId>& nodes) {
  Closed closed;
  bool is_all = true;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const auto& node = question.reading.state.nodes.nodes.at(nodes[i]);
    const auto why = shut(question, node);
    is_all = is_all && why;
    if (!why) continue;
    if (why->opens) closed.openings.insert(*why->opens);
    closed.help = std::max(closed.help, why->help);
    if (i > kMostBlockers) continue;
    if (i > 0) closed.named += ", ";
    closed.named += i == kMostBlockers ? "..." : fmt::format("{} ({})", nodes[i].value, why->cause);
  }
  if (!is_all) closed.named.clear();
  return closed;
}

/// Says so if no node takes work, and what would help.
bool tell_closed(const Question& question, const Closed& closed, WhyView& shown) {
  if (closed.named.empty()) return false;
  shown.text += " " + question.say("why.nodes_closed", {closed.named});
  if (closed.help == Shut::Help::none) return true;
  const bool resumes = closed.help == Shut::Help::resume;
  shown.would_help.push_back(question.say(resumes ? "help.resume_node" : "help.open_nodes"));
  return true;
}

void explain_reserved(const Question& question, WhyView& shown) {
  const Job& job = question.job;
  if (!job.booking) {
    if (!tell_closed(question, closed_now(question, candidates(question)), shown))
      shown.would_help.push_back(question.say("help.resume_node"));
    shown.until = job.deadline;
    return;
  }
  shown.expected_start = job.booking->start;
  add_blockers(question, holders(question.reading, job.booking->nodes), shown);
  shown.until = job.booking->start;
  offer_cancelling(question, shown);
}

void explain_queued(const Question& question, WhyView& shown) {
  const auto nodes = candidates(question);
  const auto running = holders(question.reading, nodes);
  const Closed closed = closed_now(question, nodes);
  tell_closed(question, closed, shown);
  add_blockers(question, running, shown);
  if (shown.until == Time{} && !closed.openings.empty()) shown.until = *closed.openings.begin();
  shown.expected_start = first_place(question, running, closed.openings);
  const auto ahead =
      ledger::jobs::ahead_in_team(question.reading.state.jobs, question.job, kMostAhead);
  if (ahead > 0) {
    shown.text += " " + question.say("why.position", {std::to_string(ahead)});
  }
  if (const auto reached = quota_in_the_way(question)) {
    shown.text += " " + words::quota(question.reader.language, *reached);
    shown.expected_start = {};
  }
  if (shown.expected_start > Time{}) {
    shown.text += " " + question.say("why.expected", {words::time(shown.expected_start)});
  }
  offer_cancelling(question, shown);
  shown.would_help.push_back(question.say("help.reserve"));
}

/// Whom it waits for and until when, the last to end first; when it may start itself.
void explain_waiting(const Question& question, WhyView& shown) {
  for (const auto& wish : question.job.waits_for) {
    Blocker parent;
    const std::string name = words::job_name(question.reader, wish.job);
    if (question.reader.sees(wish.job)) parent.job = wish.job;
    const Job* job = ledger::jobs::find(question.reading.state.jobs, wish.job);
    if (job != nullptr) parent.until = planned(*job).finish;
    parent.text = parent.until > Time{}
                      ? question.say("why.waits_for", {name, words::time(parent.until)})
                      : question.say("why.waits_for_open", {name});
    shown.blocking.push_back(std::move(parent));
  }
  std::ranges::stable_sort(shown.blocking, std::greater<>(), [](const Blocker& each) {
    return each.until > Time{} ? each.until : domain::kNever;
  });
  if (shown.blocking.size() > kMostBlockers) shown.blocking.resize(kMostBlockers);
  shown.until = shown.blocking.front().until;
  if (question.job.booking) shown.expected_start = question.job.booking->start;
}

void explain_running(const Question& question, WhyView& shown) {
  shown.until = planned(question.job).finish;
  shown.would_help.push_back(question.say("help.extend"));
}

Answer why(const Call& call, const Reading& reading) {
  auto found = find_job(call, reading);
  if (!found) return base::pass(found);
  const Job& job = **found;
  const words::Reader reader = reader_of(call, reading);
  const Question question{reader, reading, job};
  WhyView shown{.job = job.id, .state = job.state, .text = words::job(reader, job)};
  if (job.state == JobState::refused) {
    explain_refused(question, shown);
  } else if (domain::is_final(job.state)) {
    shown.until = job.ended;
  } else if (ledger::jobs::live_attempt(job) != nullptr) {
    explain_running(question, shown);
  } else if (!job.waits_for.empty()) {
    explain_waiting(question, shown);
  } else if (job.state == JobState::interrupted && job.retry_at > reading.now) {
    shown.expected_start = shown.until = job.retry_at;
  } else if (job.job_class == domain::JobClass::flex) {
    explain_queued(question, shown);
  } else {
    explain_reserved(question, shown);
  }
  return ok(shown);
}

void get_why(Service& service, const CallPtr& call) { service.look(call, why); }

}  // namespace

std::vector<Route> why_routes() { return {{"GET", "/v1/jobs/{id}/why", Role::member, get_why}}; }

}  // namespace api
