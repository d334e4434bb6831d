#include <cstddef>
#include <cstdint>
#include <string_view>

#include "adapters/scheduler_service/translate.h"
#include "base/check.h"
#include "ledger/jobs/jobs.h"

/// Whatever a client sends becomes a job's spec or is refused with a field; what the ledger says of
/// the spec names a field of the contract, not one of ours.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const auto spec = adapters::scheduler_service::decode_reserve_request(text);
  if (!spec) {
    CHECK(!spec.error().field.empty(), "a refusal names its field");
    return 0;
  }
  const domain::Time now{1'795'338'000'000};
  const auto good = ledger::jobs::check(*spec, now);
  if (good) return 0;
  const auto error = adapters::scheduler_service::in_wire_words(good.error());
  CHECK(!error.field.empty() && !error.field.contains("shape"), "in the words of the contract");
  return 0;
}
