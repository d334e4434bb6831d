#pragma once
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/times.h"
#include "domain/closed_time.h"

namespace cli {

/// Days of the week, and the times of day between which something holds on them, as typed.
struct WeeklyWish {
  std::string days;   ///< "mon,fri", "weekdays", "weekends".
  std::string from;   ///< "22:00"
  std::string until;  ///< Not after `from`: on the next day.
};

/// One time for each of the days, every week, in the zone of `here`; each begins with the first
/// that is not over. The earliest stands first.
base::Result<std::vector<domain::ClosedTime>> weekly_times(const WeeklyWish& wish,
                                                           const Here& here);

}  // namespace cli
