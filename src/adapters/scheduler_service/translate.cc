#include "adapters/scheduler_service/translate.h"

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "adapters/scheduler_service/choices.h"
#include "base/json.h"

namespace adapters::scheduler_service {
namespace {

using domain::JobClass;
using domain::Money;
using domain::Time;

constexpr std::int64_t kOneCore = 1'000;

struct FieldName {
  std::string_view ours;
  std::string_view wire;
};

constexpr auto kFields = std::to_array<FieldName>({
    {"bid.shape.ranks", "bid.ranks"},
    {"bid.shape.per_rank", "bid.gpus_per_rank"},
    {"bid.shape.per_rank.gpus", "bid.gpus_per_rank"},
    {"bid.shape.per_rank.cpu_millis", "bid.cpu_millis_per_rank"},
    {"bid.shape.per_rank.memory_bytes", "bid.memory_bytes_per_rank"},
    {"bid.shape.gpu_model", "bid.gpu_model"},
    {"bid.shape.pool", "bid.pool"},
    {"bid.duration", "bid.duration_ms"},
    {"bid.earliest", "bid.earliest_ms"},
    {"bid.deadline", "bid.deadline_ms"},
    {"bid.max_price", "bid.max_price_micros"},
    {"program.environment", "program.conda"},
    {"program.environment.conda", "program.conda"},
    {"program.environment.venv", "program.venv"},
    {"program.grace", "program.grace_ms"},
});

void encode_change(const ::era::Change& change, wire::Change& to) {
  if (change.max_price) to.set_max_price_micros(change.max_price->micros);
  if (change.deadline) to.set_deadline_ms(change.deadline->ms);
  if (change.ranks) to.set_ranks(*change.ranks);
  if (change.duration) to.set_duration_ms(change.duration->ms);
  if (change.per_rank) {
    wire::PerRank& per_rank = *to.mutable_per_rank();
    per_rank.set_gpus(change.per_rank->gpus);
    per_rank.set_cpu_millis(change.per_rank->cpu_millis);
    per_rank.set_memory_bytes(change.per_rank->memory_bytes);
  }
  encode(change.offer, *to.mutable_offer());
}

void encode_accepted(const ledger::jobs::Job& job, wire::Reservation& to) {
  to.set_price_micros(job.price.micros);
  if (job.deadline != domain::kNever) to.set_promised_finish_ms(job.deadline.ms);
  if (job.promised_start != domain::kNever) to.set_promised_start_ms(job.promised_start.ms);
  if (!job.booking) return;
  const auto& booking = *job.booking;
  encode(::era::Offer{.pool = booking.pool,
                      .start = booking.start,
                      .finish = booking.finish,
                      .price = job.price,
                      .nodes = booking.nodes,
                      .moves = {},
                      .later = booking.later},
         *to.mutable_planned());
}

}  // namespace

base::Result<domain::Bid> decode(const wire::Bid& from) {
  domain::Bid bid;
  if (!from_wire(kClasses, from.job_class(), bid.job_class)) {
    return base::invalid("bid.job_class", "unknown class {}", int{from.job_class()});
  }
  if (!from_wire(kPlacements, from.placement(), bid.shape.placement)) {
    return base::invalid("bid.placement", "unknown placement {}", int{from.placement()});
  }
  bid.shape.ranks = from.has_ranks() ? from.ranks() : 1;
  bid.shape.per_rank = {
      .gpus = from.gpus_per_rank(),
      .cpu_millis = from.has_cpu_millis_per_rank() ? from.cpu_millis_per_rank() : kOneCore,
      .memory_bytes = from.memory_bytes_per_rank()};
  bid.shape.gpu_model = from.gpu_model();
  bid.shape.pool = from.pool();
  bid.duration.ms = from.duration_ms();
  bid.earliest.ms = from.earliest_ms();
  if (from.deadline_ms() != 0) bid.deadline.ms = from.deadline_ms();
  if (from.has_max_price_micros()) bid.max_price = Money{from.max_price_micros()};
  bid.firm = from.firm();
  bid.preemptible = from.preemptible();
  bid.restart.ms = from.restart_ms();
  for (const wire::Width& width : from.widths())
    bid.widths.push_back({.ranks = width.ranks(), .speed = width.speed()});
  return bid;
}

base::Result<domain::Program> decode(const wire::Program& from) {
  domain::Program program;
  if (!from_wire(kFrameworks, from.framework(), program.framework)) {
    return base::invalid("program.framework", "unknown framework {}", int{from.framework()});
  }
  program.command = {from.command().begin(), from.command().end()};
  program.workdir = from.workdir();
  program.env = {from.env().begin(), from.env().end()};
  program.environment = {.conda = from.conda(), .venv = from.venv()};
  if (from.has_max_retries()) program.max_retries = from.max_retries();
  if (from.has_grace_ms()) program.grace.ms = from.grace_ms();
  program.outputs = {from.outputs().begin(), from.outputs().end()};
  return program;
}

base::Result<domain::JobSpec> decode_reserve_request(std::string_view bytes) {
  wire::ReserveRequest request;
  if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return base::invalid("request", "is no ReserveRequest");
  }
  auto bid = decode(request.bid());
  if (!bid) return base::pass(bid);
  auto program = decode(request.program());
  if (!program) return base::pass(program);
  return domain::JobSpec{request.name(), *std::move(program), *std::move(bid)};
}

base::Error in_wire_words(base::Error error) {
  for (const FieldName& field : kFields) {
    if (field.ours != error.field) continue;
    error.field = field.wire;
    break;
  }
  return error;
}

void encode(const ::era::Offer& offer, wire::Offer& to) {
  to.set_pool(offer.pool.value);
  to.set_start_ms(offer.start.ms);
  to.set_finish_ms(offer.finish.ms);
  to.set_price_micros(offer.price.micros);
  for (const auto& node : offer.nodes) to.add_nodes(node.value);
  for (const ::era::Piece& piece : offer.later) {
    wire::Piece& shown = *to.add_later();
    shown.set_start_ms(piece.start.ms);
    shown.set_finish_ms(piece.finish.ms);
    for (const auto& node : piece.nodes) shown.add_nodes(node.value);
  }
}

void encode(const words::Reader& reader, const ::era::Refusal& refusal, wire::Refusal& to) {
  to.set_reason(to_wire(kReasons, refusal.reason));
  for (const domain::JobId job : refusal.blocking) {
    if (reader.sees(job)) to.add_blocking(job.value);
  }
  if (refusal.blocked_until) to.set_blocked_until_ms(refusal.blocked_until->ms);
  if (refusal.price) to.set_price_micros(refusal.price->micros);
  for (const auto& change : refusal.changes) encode_change(change, *to.add_changes());
  if (refusal.cheaper) encode(*refusal.cheaper, *to.mutable_cheaper());
}

void encode(const words::Reader& reader, const ledger::jobs::Job& job, wire::ReserveReply& to) {
  to.set_job(job.id.value);
  to.set_state(to_wire(kJobStates, job.state));
  to.set_text(base::valid_utf8(words::job(reader, job)));
  if (job.refusal) {
    encode(reader, *job.refusal, *to.mutable_refusal());
  } else {
    encode_accepted(job, *to.mutable_reservation());
  }
}

void encode(const ledger::jobs::Job& job, wire::CancelReply& to) {
  to.set_state(to_wire(kJobStates, job.state));
}

}  // namespace adapters::scheduler_service
