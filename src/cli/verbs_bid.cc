#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "cli/amounts.h"
#include "cli/describe.h"
#include "cli/follow.h"
#include "cli/job_body.h"
#include "cli/job_options.h"
#include "cli/other_ways.h"
#include "cli/verbs.h"

namespace cli {
namespace {

/// A bid ready to be sent.
struct Prepared {
  JobRequest request;
  boost::json::object body;  ///< Of POST /v1/jobs.

  bool is_one() const {
    return request.jobs.empty() && !request.every && request.count.value_or(1) == 1;
  }
  /// None of several that may differ.
  std::optional<domain::Shape> shape() const {
    return request.jobs.empty() ? std::optional(bid_of(request).shape) : std::nullopt;
  }
};

base::Result<Prepared> prepare(Context& context, const JobOptions& options) {
  auto request = read_job(context, options);
  if (!request) return base::pass(request);
  auto body = to_body(*request, context.environment.current_folder(), context.environment.now());
  if (!body) return base::pass(body);
  return Prepared{*std::move(request), *std::move(body)};
}

base::Result<boost::json::value> ask_quote(Server& server, const Prepared& prepared) {
  boost::json::object body;
  body["spec"] = prepared.body.at("spec");
  return server.ask({"POST", "/v1/quotes", {}, std::move(body)});
}

void show_field(Context& context, std::string_view id, std::string_view value) {
  std::string title = context.say(id);
  constexpr int kTitles = 18;
  while (display_width(title) < kTitles) title += ' ';
  context.output.line(fmt::format("{}{}", title, value));
}

void show_offer(Context& context, const Quote& quote) {
  const Offer& offer = *quote.offer;
  const std::int64_t promised = quote.promised_finish.value_or(0);
  const bool has_place = offer.start > 0 && !offer.nodes.empty();
  if (has_place) show_field(context, "quote.start", context.moment(offer.start));
  if (quote.firm_start && *quote.firm_start > 0) {
    show_field(context, "quote.firm_start", context.moment(*quote.firm_start));
  }
  show_field(context, "quote.promised",
             promised > 0 && promised < domain::kNever.ms ? context.moment(promised)
                                                          : context.say("quote.nothing_promised"));
  if (offer.price != 0)
    show_field(context, "quote.price", context.say("quote.credits", {show_credits({offer.price})}));
  if (has_place) {
    show_field(context, "quote.where",
               fmt::format("{} ({})", printable(offer.pool), printable(nodes_text(offer.nodes))));
  }
  const bool changes = changes_width(offer.nodes, offer.later);
  if (changes) show_field(context, "quote.ranks", std::to_string(offer.nodes.size()));
  if (!offer.later.empty()) {
    const bool pauses = offer.later.front().start > offer.finish;
    show_field(context, pauses ? "quote.pauses" : "quote.changes", context.moment(offer.finish));
  }
  for (const std::string& line : piece_lines(context, offer.later, changes))
    show_field(context, "quote.then", line);
  if (quote.cheaper) {
    context.output.line(context.say("refused.cheaper", {offer_text(context, *quote.cheaper)}));
  }
}

boost::json::object with_member(const char* name, const boost::json::value& value) {
  boost::json::object made;
  made[name] = value;
  return made;
}

/// Reports a refusal of a bid for `shape` in the form asked for; returns how to end.
int refused(Context& context, const Refusal& refusal, std::string_view text,
            const std::optional<domain::Shape>& shape, const boost::json::object& more) {
  const int status = static_cast<int>(ExitStatus::refused);
  if (context.output.json()) {
    context.output.unsuccessful("refused", text.empty() ? refusal.reason : text, status, more);
  } else {
    show_refusal(context, refusal, text, shape);
  }
  return status;
}

base::Result<int> show_quote(Context& context, const boost::json::value& body,
                             const std::optional<domain::Shape>& shape) {
  auto made = Server::decode<Quote>(body);
  if (!made) return base::pass(made);
  if (!made->offer) {
    return refused(context, made->refusal.value_or(Refusal{}), made->text, shape,
                   with_member("quote", body));
  }
  if (context.output.json()) {
    context.output.data(body);
    return 0;
  }
  show_offer(context, *made);
  if (made->choice) show_choice(context, *made->choice);
  if (made->quote_id.empty()) return 0;
  context.output.line("");
  context.output.line(context.say("quote.take", {context.moment(made->expires)}));
  Context taken = context;
  *std::ranges::find(taken.words, "quote") = "submit";
  const std::string command = command_with(taken, {{"--quote-id", made->quote_id}});
  context.output.line("  " + context.output.paint(command, Style::strong));
  return 0;
}

/// What the same work would get in other ways, asked in one more quote.
struct Compared {
  std::vector<OtherWay> ways;
  Choice choice;
};
base::Result<Compared> compare(Context& context, Server& server, Prepared prepared) {
  Compared compared{other_ways(prepared.request, context.here()), {}};
  if (compared.ways.empty()) return compared;
  for (const OtherWay& way : compared.ways) prepared.request.alternatives.push_back(way.changes);
  auto body =
      to_body(prepared.request, context.environment.current_folder(), context.environment.now());
  if (!body) return base::pass(body);
  prepared.body = *std::move(body);
  auto answered = ask_quote(server, prepared);
  if (!answered) return base::pass(answered);
  auto quote = Server::decode<Quote>(*answered);
  if (!quote) return base::pass(quote);
  if (quote->choice) compared.choice = *std::move(quote->choice);
  return compared;
}

void add_ways(boost::json::value& body, const Compared& compared) {
  boost::json::array ways;
  for (std::size_t i = 0; i < compared.ways.size() && i + 1 < compared.choice.options.size(); ++i) {
    auto way = base::to_json(compared.choice.options[i + 1]);
    way.as_object()["options"] = compared.ways[i].options;
    ways.push_back(std::move(way));
  }
  body.as_object()["other_ways"] = std::move(ways);
}

base::Result<int> quote(Context& context, const JobOptions& options, bool alternatives) {
  auto prepared = prepare(context, options);
  if (!prepared) return base::pass(prepared);
  if (!prepared->request.jobs.empty() || prepared->request.every)
    return base::invalid("jobs", "{}", context.say("error.quote_one"));
  if (alternatives && !prepared->request.alternatives.empty())
    return base::invalid("alternatives", "{}", context.say("error.own_alternatives"));
  auto server = Server::open(context);
  if (!server) return base::pass(server);
  auto body = ask_quote(*server, *prepared);
  if (!body) return base::pass(body);
  const auto shape = prepared->shape();
  if (!alternatives) return show_quote(context, *body, shape);
  auto compared = compare(context, *server, *std::move(prepared));
  if (!compared) return base::pass(compared);
  if (context.output.json()) add_ways(*body, *compared);
  auto status = show_quote(context, *body, shape);
  if (status && !context.output.json()) show_ways(context, compared->ways, compared->choice);
  return status;
}

/// Before money is promised without a limit, a person at a terminal sees the price and agrees.
/// Gives the quote that was agreed to; an empty one where nothing had to be asked.
base::Result<std::optional<std::string>> agreed(Context& context, Server& server,
                                                const Prepared& prepared) {
  const Environment& environment = context.environment;
  const bool asks = !context.yes && !context.output.json() && environment.in_is_terminal() &&
                    environment.error_is_terminal() && !prepared.request.max_price &&
                    prepared.request.jobs.empty() && !prepared.request.every &&
                    class_of(prepared.request) != domain::JobClass::flex;
  if (!asks) return std::string();
  auto body = ask_quote(server, prepared);
  if (!body) return base::pass(body);
  auto made = Server::decode<Quote>(*body);
  if (!made) return base::pass(made);
  if (!made->offer) return std::string();  // The bid itself will be refused, and that is recorded.
  context.output.note(offer_text(context, *made->offer));
  if (made->offer->price == 0) return made->quote_id;
  auto yes = confirmed(context, context.say("ask.submit", {show_credits({made->offer->price})}));
  if (!yes) return base::pass(yes);
  if (!*yes) return std::nullopt;
  return made->quote_id;
}

/// The answer to a bid: the body as it came and the jobs in it.
struct Submitted {
  boost::json::value body;
  std::vector<Job> jobs;
};

base::Result<std::optional<Submitted>> bid(Context& context, Server& server,
                                           const Prepared& prepared, std::string quote_id) {
  if (quote_id.empty()) {
    auto agreement = agreed(context, server, prepared);
    if (!agreement) return base::pass(agreement);
    if (!*agreement) return std::nullopt;
    quote_id = **agreement;
  }
  boost::json::object body = prepared.body;
  if (!quote_id.empty()) body["quote_id"] = quote_id;
  auto answered = server.ask({"POST", "/v1/jobs", {}, std::move(body)});
  if (!answered) return base::pass(answered);
  auto jobs = Server::decode<Jobs>(*answered);
  if (!jobs) return base::pass(jobs);
  if (jobs->jobs.empty()) {
    return base::fail(base::ErrorCode::internal, "{}", context.say("error.no_jobs"));
  }
  return Submitted{*std::move(answered), std::move(jobs->jobs)};
}

bool all_refused(const std::vector<Job>& jobs) {
  return std::ranges::all_of(jobs, [](const Job& job) { return job.state == "refused"; });
}

/// Of jobs that were refused together, the one that was not for another's sake.
const Job& at_fault(const std::vector<Job>& jobs) {
  const auto own = std::ranges::find_if(jobs, [](const Job& job) {
    return job.refusal && job.refusal->reason != "refused_together";
  });
  return own == jobs.end() ? jobs.front() : *own;
}

std::string accepted_text(const Context& context, const Job& job) {
  std::string text = context.say("submit.accepted", {std::to_string(job.id), printable(job.name),
                                                     state_text(context, job.state)});
  const bool has_place = job.planned_start > 0 && job.planned_start < domain::kNever.ms;
  if (has_place) {
    text += context.say("submit.place",
                        {context.moment(job.planned_start), context.moment(job.planned_finish)});
  }
  if (job.price != 0) text += context.say("submit.price", {show_credits({job.price})});
  return text;
}

/// Which jobs those come after that were asked to come after some: a name may mean others than its
/// writer thinks. A list's first `kMost` of them.
void show_parents(Context& context, const Prepared& prepared, const std::vector<Job>& jobs) {
  constexpr int kMost = 20;
  const auto asks = [](const JobRequest& each) { return !each.parents.empty(); };
  if (!asks(prepared.request) && std::ranges::none_of(prepared.request.jobs, asks)) return;
  int shown = 0;
  for (const Job& job : jobs) {
    if (job.waits_for.empty() || shown++ == kMost) continue;
    context.output.sentence(
        context.say("submit.waits", {std::to_string(job.id), printable(job.name),
                                     fmt::format("{}", fmt::join(job.waits_for, ", "))}));
  }
  if (shown == 0) context.output.sentence(context.say("submit.waits_for_nothing"));
}

base::Result<int> submit(Context& context, const JobOptions& options) {
  auto prepared = prepare(context, options);
  if (!prepared) return base::pass(prepared);
  auto server = Server::open(context);
  if (!server) return base::pass(server);
  auto submitted = bid(context, *server, *prepared, options.quote_id);
  if (!submitted) return base::pass(submitted);
  if (!*submitted) return static_cast<int>(ExitStatus::interrupted);
  const std::vector<Job>& jobs = (*submitted)->jobs;
  const Job& first = jobs.front();
  if (all_refused(jobs)) {
    const Job& why = at_fault(jobs);
    return refused(context, why.refusal.value_or(Refusal{}), why.text, prepared->shape(),
                   with_member("jobs", (*submitted)->body.at("jobs")));
  }
  if (context.output.json()) {
    context.output.data((*submitted)->body);
    return 0;
  }
  if (jobs.size() > 1) {
    show_jobs(context, jobs);
  } else {
    context.output.sentence(accepted_text(context, first));
  }
  show_parents(context, *prepared, jobs);
  const bool waits = first.state == "queued" || first.state == "reserved";
  const std::string id = std::to_string(first.id);
  context.output.line("");
  context.output.line(context.say("submit.next"));
  context.output.line(context.say("submit.follow", {id}));
  context.output.line(context.say(waits ? "submit.why" : "submit.show", {id}));
  context.output.line(context.say("submit.cancel", {id}));
  return 0;
}

base::Result<int> finished(Context& context, Server& server, const Job& job) {
  const int status = status_of(job);
  const std::string text = ending_text(context, job);
  if (!context.output.json()) {
    if (status != 0) context.output.note(text, Style::bad);
    return status;
  }
  auto body = server.ask({"GET", fmt::format("/v1/jobs/{}", job.id)});
  if (!body) return base::pass(body);
  if (status == 0) {
    context.output.data(*body);
  } else {
    context.output.unsuccessful("job_failed", text, status, with_member("job", *body));
  }
  return status;
}

base::Result<int> run(Context& context, const JobOptions& options, bool all_ranks) {
  auto prepared = prepare(context, options);
  if (!prepared) return base::pass(prepared);
  if (!prepared->is_one()) return base::invalid("count", "{}", context.say("error.run_count"));
  auto server = Server::open(context);
  if (!server) return base::pass(server);
  auto submitted = bid(context, *server, *prepared, options.quote_id);
  if (!submitted) return base::pass(submitted);
  if (!*submitted) return static_cast<int>(ExitStatus::interrupted);
  const Job& job = (*submitted)->jobs.front();
  if (job.state == "refused") {
    return refused(context, job.refusal.value_or(Refusal{}), job.text, prepared->shape(),
                   with_member("jobs", (*submitted)->body.at("jobs")));
  }
  Follower follower(context, *server, {.attempt = 1, .all_ranks = all_ranks});
  auto ended = follower.to_end(job);
  if (!ended) {
    context.output.note(context.say("note.still_there", {std::to_string(job.id)}));
    return base::pass(ended);
  }
  if (follower.left()) {
    context.output.note(context.say("note.left", {std::to_string(job.id)}));
    return static_cast<int>(ExitStatus::interrupted);
  }
  return finished(context, *server, *ended);
}

}  // namespace

void add_bid_verbs(Verbs& verbs, CLI::App& app) {
  Context& context = verbs.context;
  const auto quoting = std::make_shared<JobOptions>();
  const auto alternatives = std::make_shared<bool>(false);
  CLI::App& quote_verb = add_verb(verbs, app, "quote", [&context, quoting, alternatives] {
    return quote(context, *quoting, *alternatives);
  });
  add_job_options(quote_verb, context, *quoting);
  quote_verb.add_flag("--alternatives", *alternatives, context.say("option.alternatives"));

  const auto submitting = std::make_shared<JobOptions>();
  CLI::App& submit_verb = add_verb(verbs, app, "submit",
                                   [&context, submitting] { return submit(context, *submitting); });
  add_job_options(submit_verb, context, *submitting);
  submit_verb.add_option("--quote-id", submitting->quote_id, context.say("option.quote-id"));

  const auto running = std::make_shared<JobOptions>();
  const auto all_ranks = std::make_shared<bool>(false);
  CLI::App& run_verb = add_verb(verbs, app, "run", [&context, running, all_ranks] {
    return run(context, *running, *all_ranks);
  });
  add_job_options(run_verb, context, *running);
  run_verb.add_option("--quote-id", running->quote_id, context.say("option.quote-id"));
  run_verb.add_flag("--all-ranks", *all_ranks, context.say("option.all-ranks"));
}

}  // namespace cli
