#pragma once
#include <string>
#include <vector>

#include "cli/run.h"

namespace apps {

/// The verbs that serve until they are stopped: `up`, `controller`, `agent`. Each reads its own
/// options and returns the exit status.
std::vector<cli::ExtraVerb> serving_verbs(cli::Environment& environment);

}  // namespace apps
