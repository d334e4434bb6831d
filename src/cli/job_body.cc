#include "cli/job_body.h"

#include "base/json.h"
#include "domain/json.h"

namespace cli {
namespace {

/// What `other` asks for otherwise than `bid`.
domain::Alternative difference(const domain::Bid& bid, const domain::Bid& other) {
  domain::Alternative made;
  const auto note = [](auto& to, const auto& from, const auto& unless) {
    if (from != unless) to = from;
  };
  note(made.job_class, other.job_class, bid.job_class);
  note(made.shape, other.shape, bid.shape);
  note(made.duration, other.duration, bid.duration);
  note(made.earliest, other.earliest, bid.earliest);
  note(made.deadline, other.deadline, bid.deadline);
  if (other.max_price != bid.max_price) made.max_price = other.max_price;
  note(made.firm, other.firm, bid.firm);
  note(made.preemptible, other.preemptible, bid.preemptible);
  note(made.restart, other.restart, bid.restart);
  return made;
}

base::Result<boost::json::array> list_of(const JobRequest& request, const std::string& folder,
                                         domain::Time now) {
  JobRequest common = request;
  common.jobs.clear();
  boost::json::array jobs;
  for (std::size_t i = 0; i < request.jobs.size(); ++i) {
    const JobRequest each = merged(common, request.jobs[i]);
    auto body = to_body(each, folder, now);
    if (!body) {
      base::Error error = std::move(body).error();
      const std::string field = fmt::format("jobs[{}].{}", i, error.field);
      return std::unexpected(
          std::move(error).while_doing(fmt::format("job {} of the list", i + 1)).in_field(field));
    }
    jobs.push_back(*std::move(body));
  }
  return jobs;
}

}  // namespace

base::Result<> add_terms(const JobRequest& request, boost::json::object& spec) {
  boost::json::array alternatives;
  JobRequest common = request;
  common.alternatives.clear();
  for (const JobRequest& other : request.alternatives) {
    const auto changed = difference(bid_of(common), bid_of(merged(common, other)));
    alternatives.push_back(base::to_json(changed));
  }
  spec["alternatives"] = std::move(alternatives);
  if (request.choose) spec["choose"] = base::to_json(*request.choose);
  if (!request.every && (request.times || request.until))
    return base::invalid("every", "say how often it is repeated, such as every: 1d");
  if (!request.every) return {};
  if (request.times.has_value() == request.until.has_value())
    return base::invalid("times", "a repeated job says either how often (times) or until when");
  spec["repeat"] = base::to_json(domain::Repeat{*request.every, request.times, request.until});
  return {};
}

base::Result<boost::json::object> to_body(const JobRequest& request, const std::string& folder,
                                          domain::Time now) {
  boost::json::object body;
  if (!request.jobs.empty()) {
    auto jobs = list_of(request, folder, now);
    if (!jobs) return base::pass(jobs);
    body["jobs"] = *std::move(jobs);
    return body;
  }
  auto spec = to_spec(request, folder, now);
  if (!spec) return base::pass(spec);
  body["spec"] = *std::move(spec);
  if (request.count) body["count"] = *request.count;
  return body;
}

}  // namespace cli
