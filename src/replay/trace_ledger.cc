#include <boost/describe/class.hpp>

#include "base/json.h"
#include "domain/job.h"
#include "domain/json.h"
#include "replay/trace.h"

namespace replay {

/// What a bid's fact says of it, accepted or not.
struct BidFact {
  domain::TeamId team;
  domain::JobSpec spec;
};
BOOST_DESCRIBE_STRUCT(BidFact, (), (team, spec))

namespace {

constexpr double kMicros = 1e6;

bool is_bid(const boost::json::value* type) {
  const boost::json::string* name = type == nullptr ? nullptr : type->if_string();
  return name != nullptr && (*name == "BidRefused" || *name == "JobAccepted");
}

TraceJob job_of(const BidFact& fact, std::int64_t at_ms) {
  const domain::Bid& bid = fact.spec.bid;
  TraceJob job;
  job.submit_s = at_ms / 1000;
  job.duration_s = (bid.duration.ms + 999) / 1000;
  job.gpus = bid.shape.ranks * bid.shape.per_rank.gpus;
  job.group = fact.team.value;
  if (bid.deadline < domain::kNever) job.deadline_s = bid.deadline.ms / 1000;
  if (bid.max_price) job.value = static_cast<double>(bid.max_price->micros) / kMicros;
  return job;
}

base::Result<> read_bid(const boost::json::value& body, std::int64_t at_ms, Trace& trace) {
  auto fact = base::from_json<BidFact>(body, base::Mode::lenient);
  if (!fact) return base::pass(fact);
  const TraceJob job = job_of(*fact, at_ms);
  if (job.gpus > 0 && job.duration_s > 0) {
    trace.jobs.push_back(job);
  } else {
    ++trace.skipped;
  }
  return {};
}

/// Reads one fact as the log has it (its members beside "type" in "event") or as the API shows it
/// (in "body"). Facts that are no bids say nothing here.
base::Result<> read_fact(const boost::json::object& fact, Trace& trace) {
  const boost::json::value* type = fact.if_contains("type");
  const boost::json::value* body = fact.if_contains("body");
  if (const boost::json::value* event = fact.if_contains("event")) {
    const boost::json::object* object = event->if_object();
    type = object == nullptr ? nullptr : object->if_contains("type");
    body = event;
  }
  if (type == nullptr) return base::invalid("type", "not a fact: it has no type");
  if (!is_bid(type) || body == nullptr) return {};
  const boost::json::value* at = fact.if_contains("at");
  const std::int64_t* at_ms = at == nullptr ? nullptr : at->if_int64();
  if (at_ms == nullptr) return base::invalid("at", "at: a whole number is expected");
  return read_bid(*body, *at_ms, trace);
}

/// One line: a fact, or the envelope of `berth events --json` around one or many.
base::Result<> read_line(const boost::json::value& line, Trace& trace) {
  const boost::json::object* object = line.if_object();
  if (object == nullptr) return base::invalid("fact", "not a fact: a JSON object is expected");
  if (const boost::json::value* inner = object->if_contains("data")) {
    return read_line(*inner, trace);
  }
  const boost::json::value* events = object->if_contains("events");
  const boost::json::array* list = events == nullptr ? nullptr : events->if_array();
  if (list == nullptr) return read_fact(*object, trace);
  for (const boost::json::value& each : *list) {
    if (auto done = read_line(each, trace); !done) return done;
  }
  return {};
}

}  // namespace

base::Result<Trace> parse_ledger(std::string_view text) {
  constexpr std::size_t kDepth = 64;
  Trace trace;
  for (std::int64_t number = 1; !text.empty(); ++number) {
    const std::string_view line = take_line(text);
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    auto parsed = base::parse_json(line, kDepth);
    if (!parsed)
      return std::unexpected(
          std::move(parsed).error().while_doing("line " + std::to_string(number)));
    if (auto done = read_line(*parsed, trace); !done)
      return std::unexpected(std::move(done).error().while_doing("line " + std::to_string(number)));
  }
  return trace;
}

}  // namespace replay
