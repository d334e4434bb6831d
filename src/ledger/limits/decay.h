#pragma once
#include <cstdint>

#include "domain/time.h"

namespace ledger::limits {

/// What is left of `amount` after `elapsed`: half of it after each `half_life`. Whole numbers only,
/// so every machine computes the same. O(1): a multiplication for each of 30 bits.
std::int64_t decayed(std::int64_t amount, domain::Duration elapsed, domain::Duration half_life);

/// What is left at its end of a use of 1 a millisecond that went on for `elapsed`: little less than
/// `elapsed` where that is short, at most `half_life` / ln 2.
std::int64_t accrued(domain::Duration elapsed, domain::Duration half_life);

}  // namespace ledger::limits
