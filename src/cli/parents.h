#pragma once
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/terms.h"

// The ways to say which jobs are waited for.
namespace cli {

/// "12", "12,14", "12-31" or the name of a job. Says no to what is neither, and to ranges of more
/// than 1,000 jobs.
base::Result<std::vector<domain::Dependency>> parse_parents(std::string_view text,
                                                            domain::When when);

/// True for what can only be jobs by number: "12", "12,14", "12-31".
bool is_job_numbers(std::string_view text);

/// Slurm's words: "afterok:12:13,afterany:14"; also afternotok.
base::Result<std::vector<domain::Dependency>> parse_slurm_dependency(std::string_view text);

/// success, any or failure.
base::Result<domain::When> parse_when(std::string_view word);

}  // namespace cli
