#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/context.h"
#include "cli/job_request.h"

namespace CLI {
class App;
}

namespace cli {

/// The options that describe a job, as they were typed.
struct JobOptions {
  std::string file;
  std::map<std::string_view, std::vector<std::string>> values;  ///< By option, such as "--gpus".
  bool now = false;
  bool flex = false;
  std::string quote_id;
};

/// Adds the job file, --gpus, --by and all others of a job to a verb. `to` must outlive it.
void add_job_options(CLI::App& verb, const Context& context, JobOptions& to);

/// Reads the job file, if there is one, and puts the options and the command over it.
base::Result<JobRequest> read_job(Context& context, const JobOptions& options);

/// The options of a job that take a value, such as "--gpus".
std::vector<std::string_view> job_option_names();

}  // namespace cli
