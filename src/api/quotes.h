#pragma once
#include <optional>

#include "api/views.h"

namespace api {

/// Fills in what was left out of a spec that the codec cannot know of: one core a rank.
void fill_in(const boost::json::value& body, domain::JobSpec& spec);

/// The field of an error as a job file has it: "bid.duration", not "spec.bid.duration".
base::Error without_spec(base::Error error);

/// That the caller may see every job that `spec` is to start after.
base::Result<> check_parents(const Call& call, const Reading& reading, const domain::JobSpec& spec);

/// What a submit with a quote's id wishes for, or why the quote does not hold.
base::Result<ledger::jobs::MakeBid> quoted_bid(const Call& call, const Reading& reading,
                                               const std::string& quote_id,
                                               const std::optional<domain::JobSpec>& spec);

}  // namespace api
