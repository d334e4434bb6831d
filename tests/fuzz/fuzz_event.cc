#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "ledger/ledger.h"

/// Whatever stands in a log is refused as lost data, or is a fact that is written and read again
/// without a change.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  if (const auto fact = ledger::decode(text)) {
    const std::string once = ledger::encode(*fact);
    const auto again = ledger::decode(once);
    CHECK(again.has_value(), "what was decoded is encoded so that it decodes");
    CHECK(ledger::encode(*again) == once, "encoding loses nothing");
    CHECK(ledger::type_of(again->event) == ledger::type_of(fact->event), "it is the same fact");
  } else {
    CHECK(fact.error().code == base::ErrorCode::data_loss, "broken text is lost data");
  }
  return 0;
}
