#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "replay/cluster.h"
#include "replay/gzip.h"
#include "replay/workload.h"

namespace {

/// Whatever was read can be drawn from, or there is a reason why not.
void try_out(replay::Format format, std::string_view text) {
  const auto trace = replay::parse(format, text);
  if (!trace) {
    CHECK(!trace.error().message.empty(), "an error has a reason");
    return;
  }
  for (const auto deadlines : {replay::Deadlines::b, replay::Deadlines::given}) {
    const auto workload = replay::draw(*trace, {.deadlines = deadlines, .gpus = 8});
    CHECK(workload || !workload.error().message.empty(), "an error has a reason");
    if (!workload) continue;
    for (const replay::Job& job : workload->jobs)
      CHECK(job.bid.gpus <= workload->gpus && job.needed >= 1, "what is drawn can be played");
  }
}

}  // namespace

/// Traces of every format, lists of nodes and packed files, from anywhere.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  using replay::Format;
  for (const Format format : {Format::jobs, Format::itp, Format::deadlines, Format::philly,
                              Format::swf, Format::ledger}) {
    try_out(format, text);
  }
  (void)replay::parse_nodes(text);
  (void)replay::unpacked(text, 1 << 20);
  return 0;
}
