#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/text/catalog.h"
#include "domain/time.h"

namespace cli {

/// What local time is ahead of UTC at a moment; the whole knowledge of time zones here.
using LocalOffset = std::function<domain::Duration(domain::Time)>;

/// Reads a length of time: "2h", "90m", "1h30m", "45s", "2d", "1.5h", "90" or "90min" (minutes, as
/// in Slurm), "12:30:00" (h:m:s), "1-12", "1-12:00", "1-12:00:00" (days-hours:minutes:seconds).
/// Positive and at most 3,650 days.
base::Result<domain::Duration> parse_duration(std::string_view text);

/// Where "now" is and what the clocks on the wall there say.
struct Here {
  domain::Time now;
  LocalOffset offset;
};

/// Reads a moment: "2h" or "+2h" (from now), "now", "2026-11-23T09:00" with "Z", "+08:00" or in
/// local time, with "T" or a space, "18:00" (the next one), "today 18:00", "tomorrow 09:00",
/// "monday 9:00", "thu 18:00" (the next one, never today's past).
base::Result<domain::Time> parse_moment(std::string_view text, const Here& here);

/// Reads when something ends that begins at `after`: like parse_moment, but a bare time of day or
/// day of the week is the next one after it.
base::Result<domain::Time> parse_end(std::string_view text, const Here& here, domain::Time after);

/// Reads "9:00", "18:00:30": what has passed since midnight.
base::Result<domain::Duration> parse_time_of_day(std::string_view text);

/// The day of the week that "monday", "mon" or "Tues" names, 0 is Sunday.
std::optional<unsigned> weekday_named(std::string_view word);
/// The local one of a moment.
unsigned weekday_at(domain::Time at, const Here& here);

/// "today 14:30", "tomorrow 09:00", "yesterday 18:00", "Thu 09:00" within the next six days,
/// "2026-12-03 09:00" beyond, "-" for 0 and for kNever.
std::string show_moment(domain::Time at, const Here& here, text::Language language);

/// A sentence of the controller with its moments ("2026-11-22 05:00 UTC") as show_moment says them.
std::string with_local_moments(std::string_view sentence, const Here& here,
                               text::Language language);

/// "2026-11-23T09:00", local time, rounded up to a whole minute: what parse_moment reads back.
std::string iso_minute(domain::Time at, const Here& here);

/// "45s", "90m" as "1h30m", "2d4h": two units at most, rounded down.
std::string show_duration(domain::Duration length);

/// Like show_duration, but exact to the second: what parse_duration reads back.
std::string exact_duration(domain::Duration length);

}  // namespace cli
