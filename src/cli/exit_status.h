#pragma once
#include <span>
#include <string_view>

#include "base/result.h"

namespace cli {

/// How the program ends. `run` passes the exit status of its command on instead.
enum class ExitStatus : int {
  ok = 0,
  job_failed = 1,
  usage = 2,
  refused = 3,
  not_found = 4,
  not_allowed = 5,
  conflict = 6,
  unavailable = 7,
  exhausted = 8,
  internal = 9,
  interrupted = 130,
};

/// One class of endings, its name in JSON and the id of the sentence that explains it.
struct ExitClass {
  ExitStatus status;
  std::string_view name;
  std::string_view text_id;
};

/// The table that `berth help exit-codes` prints, ascending.
std::span<const ExitClass> exit_classes();

ExitStatus exit_status(base::ErrorCode code);

/// The name of a code as the API writes it, such as "not_found".
std::string_view code_name(base::ErrorCode code);
/// The code that the API calls `name`; `internal` for a name nobody knows.
base::ErrorCode code_named(std::string_view name);

}  // namespace cli
