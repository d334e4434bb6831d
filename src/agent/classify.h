#pragma once
#include <string>
#include <string_view>

#include "ports/runtime.h"

namespace agent {

/// So much of a log's end is looked at.
inline constexpr std::size_t kLogTailBytes = 16'384;

/// Says why a rank ended, with a sentence for people. Pure.
///
/// What the runtime knows for certain (its shim was lost, the kernel killed it for memory, it could
/// not start) stands. Otherwise the first rule whose text is in the log's end decides. Success is
/// exit code 0 without a signal and nothing else.
ports::RankEnd classify(ports::RankEnd end, std::string_view log_tail);

}  // namespace agent
