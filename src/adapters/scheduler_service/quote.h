#pragma once
#include <string>

#include "adapters/scheduler_service/asker.h"
#include "adapters/scheduler_service/translate.h"

namespace berth::era::v1 {
class QuoteReply;
}

namespace adapters::scheduler_service {

/// What a Reserve of `bid` would be answered now: the ledger decides it and nobody records it. An
/// offer is kept in the book of quotes under `quote_id`. As costly as the bid itself.
base::Result<> quote(const Asker& asker, const controller::Reading& reading, const domain::Bid& bid,
                     const std::string& quote_id, wire::QuoteReply& to);

/// The wish that a Reserve with the id of a quote stands for; fails with `gone` if the quote has
/// expired, or was given to somebody else.
base::Result<ledger::jobs::MakeBid> quoted_bid(const Asker& asker,
                                               const controller::Reading& reading,
                                               const std::string& quote_id);

}  // namespace adapters::scheduler_service
