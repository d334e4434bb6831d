#pragma once
#include "api/service.h"

namespace api {

/// POST /v1/jobs: one bid, several equal ones of which each stands for itself, or a list or a
/// repeated job of which all are accepted or none.
void post_jobs(Service& service, const CallPtr& call);

}  // namespace api
