#pragma once
#include <span>
#include <string_view>

#include "base/result.h"
#include "cli/job_request.h"
#include "cli/times.h"

namespace cli {

/// Reads a job file (YAML; contracts/job.schema.json). `folder` is where the file lies: a relative
/// workdir is below it. Errors name the line, and for an unknown key the nearest known one. At most
/// 1 MiB.
base::Result<JobRequest> parse_job_file(std::string_view yaml, const std::string& folder,
                                        const Here& here);

/// What `after` says in one word: a moment, or the jobs that must succeed first by number ("12",
/// "12-31") or name.
base::Result<> read_after(JobRequest& request, std::string_view text, const Here& here);

/// Every key that a job file may have.
std::span<const std::string_view> job_file_keys();

// The words that stand for the values of the enumerations, in files and options.
base::Result<domain::Placement> parse_placement(std::string_view word);
base::Result<domain::Choose> parse_choose(std::string_view word);
base::Result<std::int32_t> parse_times(std::string_view text);
base::Result<domain::Framework> parse_framework(std::string_view word);
base::Result<domain::JobClass> parse_class(std::string_view word);

/// `path` if it is absolute, else below `folder`, without "." and needless "/".
std::string path_below(const std::string& folder, std::string_view path);

}  // namespace cli
