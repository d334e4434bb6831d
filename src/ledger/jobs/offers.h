#pragma once
#include "ledger/jobs/quota.h"

// What a request gets: the same for a quote and for the bid that follows it.
namespace ledger::jobs {

/// A request as the ledger takes it, and the answer to it.
struct Answered {
  domain::JobSpec spec;  ///< What was left open is filled in; of several bids the one taken.
  /// To a flex bid an offer without a place: only its price. A refusal says all that a person
  /// needs.
  era::Answer answer;
  std::optional<Choice> choice{};  ///< If there were alternatives.
};

/// Answers `spec`, which must have passed `check`, as a bid of `owner`. Fails, with the field,
/// where what it waits for is not known or can no longer come. A quote's worth of work, a few if it
/// is refused.
base::Result<Answered> answer(const View& view, const Owner& owner, const domain::JobSpec& spec);

/// `spec` as it would be taken, but for the jobs that it waits for.
domain::JobSpec as_taken(const View& view, domain::JobSpec spec);

/// The same as `answer` for a bid to which `quoted` was offered before: exactly that, or it fails
/// as `gone`.
base::Result<Answered> answer_quoted(const View& view, const Owner& owner,
                                     const domain::JobSpec& spec, era::Offer quoted);

}  // namespace ledger::jobs
