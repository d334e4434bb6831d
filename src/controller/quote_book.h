#pragma once
#include <map>
#include <optional>

#include "domain/job.h"
#include "era/quote.h"
#include "ledger/jobs/job.h"

namespace controller {

/// A quote that was given: a submit with its id gets exactly this, or is told that it is gone.
struct Quote {
  domain::QuoteId id;
  domain::UserId user;
  domain::JobSpec spec;
  era::Offer offer;
  domain::Time expires;
  std::optional<ledger::jobs::Choice> choice{};  ///< If the spec had alternatives.
};

/// Quotes of the last minutes. Quotes change nothing, so they are no facts and do not outlive the
/// controller. At most 100,000; the oldest go first.
class QuoteBook {
 public:
  static constexpr domain::Duration kValid{5 * 60'000};

  void keep(Quote quote, domain::Time now);
  /// The quote, if it was given to `user` and has not expired.
  std::optional<Quote> find(const domain::QuoteId& id, const domain::UserId& user,
                            domain::Time now) const;

 private:
  std::map<domain::QuoteId, Quote> quotes_;
  std::multimap<domain::Time, domain::QuoteId> by_expiry_;
};

}  // namespace controller
