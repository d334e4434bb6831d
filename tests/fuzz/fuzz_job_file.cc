#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "cli/job_file.h"
#include "cli/times.h"

/// Whatever the bytes are, a job file is read or refused with a reason, and what was read makes a
/// request or a reason; so do the parsers of times.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const cli::Here here{domain::Time{1'795'338'000'000},
                       [](domain::Time) { return domain::Duration{8 * 3'600'000}; }};
  const auto request = cli::parse_job_file(text, "/folder", here);
  if (request) {
    const auto spec = cli::to_spec(*request, "/folder", here.now);
    CHECK(spec || !spec.error().message.empty(), "a refusal has a reason");
  } else {
    CHECK(!request.error().message.empty(), "a refusal has a reason");
  }
  if (const auto length = cli::parse_duration(text)) {
    CHECK(length->ms > 0, "a length of time is above zero");
    const auto again = cli::parse_duration(cli::exact_duration(*length));
    CHECK(length->ms % 1000 != 0 || (again && *again == *length), "what is shown reads back");
  }
  (void)cli::parse_moment(text, here);
  return 0;
}
