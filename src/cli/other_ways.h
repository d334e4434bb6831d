#pragma once
#include <string>
#include <vector>

#include "cli/answers.h"
#include "cli/context.h"
#include "cli/job_request.h"

namespace cli {

/// Another bid for the same work.
struct OtherWay {
  std::string options;  ///< What to add to the command: "--ranks 2 --duration 4h".
  JobRequest changes;
};

/// How a job could be had otherwise: on fewer ranks for as much longer, by a later deadline, with
/// breaks. At most seven; none for a job without ranks, window or breaks to change.
std::vector<OtherWay> other_ways(const JobRequest& request, const Here& here);

/// A line for each way that gets something else: when, and for how much, or why not. options[i] of
/// the choice answers ways[i - 1]; the first answers the request as it is.
void show_ways(Context& context, const std::vector<OtherWay>& ways, const Choice& choice);

}  // namespace cli
