#pragma once
#include <span>

#include "era/elastic_work.h"
#include "era/steps.h"

namespace era {

/// GPUs that are free, by milliseconds since the Unix epoch.
using FreeGpus = Steps<std::int32_t>;

/// Takes the draft's pieces out of what is free.
void hold(FreeGpus& free, const ElasticPieces& pieces);

/// Gives the draft the pieces that do its work in time and cost the fewest GPU-seconds in what is
/// free, the wider ones first. False if there is no room. With a restart time the pieces are a
/// good choice, not the best one. O(steps).
bool lay(const ElasticGround& ground, const FreeGpus& free, ElasticDraft& draft);

/// Hands out the GPUs that idle where the drafts begin, each to whoever saves the most GPU-seconds
/// later for one now, until the width of somebody changes anyway. No draft gets slower by it.
void use_idle(const ElasticGround& ground, FreeGpus& free, std::span<ElasticDraft> drafts);

}  // namespace era
