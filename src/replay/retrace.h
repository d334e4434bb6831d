#pragma once
#include <boost/describe/class.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace replay {

/// Decisions of one kind that a log tells of.
struct Retraced {
  std::int64_t made = 0;
  std::int64_t differ = 0;    ///< The replay decides otherwise, at the same moment.
  std::int64_t left_out = 0;  ///< By rules that the replay does not have, such as quotas.
};
BOOST_DESCRIBE_STRUCT(Retraced, (), (made, differ, left_out))

/// A log decided once more.
struct Retrace {
  std::int64_t facts = 0;
  Retraced answers;       ///< Accepted or why not, the price, the promised times and nodes.
  Retraced starts;        ///< Of jobs whose promised time has come.
  Retraced early_starts;  ///< Before their promised time, where it is idle.
  Retraced replans;       ///< Other times and nodes for what has not started.
  Retraced extensions;    ///< More time: its price, and who makes way.
  Retraced forecasts;     ///< Of demand, which make the prices.
  std::int64_t latest_start_ms = 0;  ///< How long after its promised time a job was started.
  double mean_start_ms = 0;
  std::vector<std::string> differences;  ///< The first of them, in the log's order.
};
BOOST_DESCRIBE_STRUCT(Retrace, (),
                      (facts, answers, starts, early_starts, replans, extensions, forecasts,
                       latest_start_ms, mean_start_ms, differences))

/// Makes every decision of a log once more, at its moment and after all that had happened by then,
/// with what the `era` policy plays with, and compares it with what the log says. Also looks for
/// decisions that should have been made and were not. `text` is a whole log, one fact a line. Flex
/// jobs, quotas, dependencies and balances are left out. An error names the line. O(facts x plan).
base::Result<Retrace> retrace(std::string_view text);

}  // namespace replay
