#pragma once
#include <optional>

#include "api/views.h"

namespace api {

/// A fact as the caller may see it, or nothing if it is others' private affair: jobs and money are
/// their team's, users and tokens their own; nodes, teams and prices are everybody's. Secrets, also
/// hashed ones, are never shown. `reading` is newer than the fact.
std::optional<boost::json::value> event_view(const Call& call, const Reading& reading,
                                             const controller::PlacedFact& placed);

}  // namespace api
