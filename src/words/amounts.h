#pragma once
#include <string>

#include "domain/money.h"
#include "domain/resources.h"
#include "domain/time.h"
#include "words/catalog.h"

namespace words {

/// "1.5 credits": at most four decimals, rounded up so that nothing looks cheaper than it is.
std::string money(Language language, domain::Money amount);

/// "2 d 3 h", "1 h 30 min", "45 s": the two largest units, rounded up to whole seconds.
std::string duration(Language language, domain::Duration length);

/// "8 GPUs, 0.5 cores, 2.5 GiB of memory": what is asked for, memory rounded down to what is shown.
std::string resources(Language language, const domain::Resources& amounts);

/// "2026-11-22 05:00 UTC", whatever the time zone of the machine.
std::string time(domain::Time moment);

}  // namespace words
