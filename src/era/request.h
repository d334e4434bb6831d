#pragma once
#include <variant>
#include <vector>

#include "era/search.h"

namespace era {

/// A lane that could hold a shape if nothing were promised.
struct Candidate {
  const Lane* lane;
  Ask ask;
};

/// Whether `lane` has nodes, and is of the pool and the GPU model that `shape` names.
bool matches(const Lane& lane, const domain::Shape& shape);

/// The lanes that `shape` may be put in, by key; or why there is none. A shape without GPUs stays
/// off the nodes that have some, unless only they could hold it or it names their pool or model.
std::variant<std::vector<Candidate>, RefusalReason> lanes_for(const Ground& ground,
                                                              const domain::Shape& shape);

/// When `bid` may run: what its fastest width takes has to fit. Or
/// why it cannot (window_too_short, beyond_horizon).
std::variant<Window, RefusalReason> window_of(const Plan& plan, const domain::Bid& bid,
                                              domain::Time now);

/// What the bid's class and firmness make of a price.
std::int32_t class_permille(const PriceList& prices, const domain::Bid& bid);

/// What `found` costs `bid` and where it is.
Offer offer_of(const Plan& plan, const domain::Bid& bid, const Lane& lane, const Found& found);

/// The best offer over all lanes for `goal`, whose limit is in slot costs, without moving anybody;
/// max_price is not looked at.
Answer find_offer(const Plan& plan, const domain::Bid& bid, domain::Time now,
                  const Goal& goal = {});

}  // namespace era
