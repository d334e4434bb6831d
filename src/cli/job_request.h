#pragma once
#include <boost/json/value.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/amounts.h"
#include "cli/elastic.h"
#include "domain/bid.h"
#include "domain/job.h"
#include "domain/time.h"

namespace cli {

/// What a job file or the options of a command line ask for; what is left out is not set.
struct JobRequest {
  std::optional<std::string> name;
  std::optional<std::vector<std::string>> command;
  std::optional<std::string> workdir;
  std::map<std::string, std::string> env;
  std::optional<std::string> conda;
  std::optional<std::string> venv;
  std::optional<domain::Framework> framework;
  std::optional<std::int32_t> ranks;
  std::optional<GpuWish> gpus;
  std::optional<std::int64_t> cpu_millis;
  std::optional<std::int64_t> memory_bytes;
  std::optional<std::string> pool;
  std::optional<domain::Placement> placement;
  std::optional<domain::Duration> duration;
  std::optional<domain::Time> by;               ///< The deadline.
  std::optional<domain::Time> after;            ///< The earliest start.
  std::optional<domain::Time> at;               ///< A firm start.
  std::optional<domain::Duration> preemptible;  ///< What a break costs; it may have some.
  std::optional<ElasticWish> elastic;
  std::optional<domain::JobClass> job_class;
  std::optional<domain::Money> max_price;
  std::optional<std::int32_t> priority;
  std::optional<std::int32_t> retries;
  std::optional<domain::Duration> grace;
  std::optional<std::vector<std::string>> outputs;
  std::vector<domain::Dependency> parents;  ///< Jobs that end before it starts.
  std::optional<std::int32_t> count;        ///< Equal jobs to submit.
  std::optional<domain::Duration> every;    ///< Repeated so often,
  std::optional<std::int32_t> times;        ///< so many times in all,
  std::optional<domain::Time> until;        ///< or as long as it starts before this.
  std::vector<JobRequest> alternatives;     ///< What other bids for the same would say.
  std::optional<domain::Choose> choose;
  std::vector<JobRequest> jobs;  ///< Several jobs in one; what is not set here is for all.
  friend bool operator==(const JobRequest&, const JobRequest&) = default;
};

/// `over` where it says something, else `under`; environment variables and parents of both.
JobRequest merged(JobRequest under, const JobRequest& over);

/// The class that a request means: as named, else reserved with `by` or `at`, else flex.
domain::JobClass class_of(const JobRequest& request);

/// The bid that a request makes, as far as it says.
domain::Bid bid_of(const JobRequest& request);

/// The `spec` of the API. Defaults: one hour, one rank, `folder` as the working folder, the name of
/// the command's program as the name. Says no when there is no command, to both `at` and `by`, to
/// `at` for eager or flex jobs, to a window that is too short for the duration, and to `elastic`
/// that makes no sense.
base::Result<boost::json::value> to_spec(const JobRequest& request, const std::string& folder,
                                         domain::Time now);

}  // namespace cli
