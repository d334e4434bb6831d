#pragma once
#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/job.h"
#include "era/quote.h"
#include "ledger/jobs/job.h"
#include "words/jobs.h"

namespace berth::era::v1 {
class Bid;
class CancelReply;
class Offer;
class Program;
class Refusal;
class ReserveReply;
}  // namespace berth::era::v1

namespace adapters::scheduler_service {

namespace wire = ::berth::era::v1;

/// What came over the wire. Fails with `invalid_argument` for a choice that this release does not
/// know; whether the rest makes sense is for the ledger to say.
base::Result<domain::Bid> decode(const wire::Bid& from);
base::Result<domain::Program> decode(const wire::Program& from);

/// Parses and decodes one ReserveRequest as it stands on the wire.
base::Result<domain::JobSpec> decode_reserve_request(std::string_view bytes);

/// The field of an error as contracts/era.proto calls it: "bid.duration_ms", not "bid.duration".
base::Error in_wire_words(base::Error error);

void encode(const ::era::Offer& offer, wire::Offer& to);
/// Of the jobs in the way, only those that `reader` may see.
void encode(const words::Reader& reader, const ::era::Refusal& refusal, wire::Refusal& to);
/// All but the position.
void encode(const words::Reader& reader, const ledger::jobs::Job& job, wire::ReserveReply& to);
void encode(const ledger::jobs::Job& job, wire::CancelReply& to);

}  // namespace adapters::scheduler_service
