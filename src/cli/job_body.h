#pragma once
#include "cli/job_request.h"

namespace cli {

/// The body of POST /v1/jobs: {spec, count}, or {jobs} of a request that lists several, each with
/// what stands above the list where it says nothing itself.
base::Result<boost::json::object> to_body(const JobRequest& request, const std::string& folder,
                                          domain::Time now);

/// The members `alternatives`, `choose` and `repeat` of a spec. Says no to what is given twice or
/// half.
base::Result<> add_terms(const JobRequest& request, boost::json::object& spec);

}  // namespace cli
