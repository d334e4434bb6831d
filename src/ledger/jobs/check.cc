#include <algorithm>

#include "base/json.h"
#include "ledger/jobs/jobs.h"

namespace ledger::jobs {
namespace {

using base::Result;
using domain::Duration;
using domain::JobClass;

constexpr std::size_t kMostArguments = 4'096;
constexpr std::size_t kMostCommandBytes = 128 * 1024;
constexpr std::size_t kMostVariables = 1'000;
constexpr std::int32_t kMostRetries = 100;
constexpr std::int32_t kHighestPriority = 100;
constexpr Duration kLongestGrace{3'600'000};
constexpr Duration kLongestJob{90 * domain::kDay.ms};
constexpr std::int64_t kMostAmount = std::int64_t{1} << 50;

/// Facts are kept as JSON: what is no UTF-8 would come back changed.
bool is_text(const std::string& text) {
  return text.find('\0') == std::string::npos && base::is_utf8(text);
}

Result<> check_command(const domain::Program& program) {
  if (program.command.empty() || program.command[0].empty()) {
    return base::invalid("program.command", "a job needs a command");
  }
  if (program.command.size() > kMostArguments) {
    return base::invalid("program.command", "more than {} arguments", kMostArguments);
  }
  std::size_t bytes = 0;
  for (const auto& argument : program.command) {
    if (!is_text(argument)) {
      return base::invalid("program.command", "an argument is no UTF-8 text");
    }
    bytes += argument.size();
  }
  if (bytes > kMostCommandBytes)
    return base::invalid("program.command", "longer than {} bytes", kMostCommandBytes);
  return {};
}

bool is_variable_name(const std::string& name) {
  const auto fits = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
         std::ranges::all_of(name, fits);
}

Result<> check_folder(std::string_view field, const std::string& path) {
  if (path.empty()) return {};
  if (path[0] != '/' || !is_text(path) || path.size() > 4'096) {
    return base::invalid(field, "'{}' is not an absolute path", path.substr(0, 80));
  }
  return {};
}

Result<> check_program(const domain::Program& program) {
  if (auto ok = check_command(program); !ok) return ok;
  if (auto ok = check_folder("program.workdir", program.workdir); !ok) return ok;
  if (auto ok = check_folder("program.environment.conda", program.environment.conda); !ok)
    return ok;
  if (auto ok = check_folder("program.environment.venv", program.environment.venv); !ok) return ok;
  if (!program.environment.conda.empty() && !program.environment.venv.empty()) {
    return base::invalid("program.environment", "either conda or venv, not both");
  }
  if (program.env.size() > kMostVariables)
    return base::invalid("program.env", "more than {} variables", kMostVariables);
  for (const auto& [name, value] : program.env) {
    if (!is_variable_name(name))
      return base::invalid("program.env", "'{}' is not the name of a variable", name.substr(0, 80));
    if (name.starts_with("BERTH_"))
      return base::invalid("program.env", "{}: names that start with BERTH_ are Berth's", name);
    if (!is_text(value)) return base::invalid("program.env", "{} is no UTF-8 text", name);
  }
  if (program.max_retries < 0 || program.max_retries > kMostRetries) {
    return base::invalid("program.max_retries", "must be 0 to {}", kMostRetries);
  }
  if (program.grace < Duration{} || program.grace > kLongestGrace) {
    return base::invalid("program.grace", "must be 0 to 1 hour");
  }
  if (program.outputs.size() > 100)
    return base::invalid("program.outputs", "more than 100 patterns");
  return {};
}

Result<> check_shape(const domain::Shape& shape) {
  if (shape.ranks < 1 || shape.ranks > kMostRanks) {
    return base::invalid("bid.shape.ranks", "must be 1 to {}", kMostRanks);
  }
  const auto& rank = shape.per_rank;
  if (rank.gpus < 0 || rank.gpus > 1'024)
    return base::invalid("bid.shape.per_rank.gpus", "must be 0 to 1024");
  if (rank.cpu_millis < 0 || rank.cpu_millis > 4'096'000) {
    return base::invalid("bid.shape.per_rank.cpu_millis", "must be 0 to 4,096,000 (4,096 cores)");
  }
  if (rank.memory_bytes < 0 || rank.memory_bytes > kMostAmount) {
    return base::invalid("bid.shape.per_rank.memory_bytes", "must be 0 to 2^50");
  }
  if (rank.gpus == 0 && rank.cpu_millis == 0) {
    return base::invalid("bid.shape.per_rank", "a rank needs a GPU or some cores");
  }
  if (shape.gpu_model.size() > 63)
    return base::invalid("bid.shape.gpu_model", "longer than 63 bytes");
  if (shape.pool.size() > 63) return base::invalid("bid.shape.pool", "longer than 63 bytes");
  if (rank.gpus == 0 && !shape.gpu_model.empty()) {
    return base::invalid("bid.shape.gpu_model", "a GPU model, but no GPU is asked for");
  }
  return {};
}

Result<> check_preemptible(const domain::Bid& bid) {
  if (!bid.preemptible) {
    if (bid.restart == Duration{}) return {};
    return base::invalid("bid.restart", "only a preemptible job has breaks");
  }
  if (bid.restart < Duration{} || bid.restart > domain::kDay)
    return base::invalid("bid.restart", "must be 0 to 1 day");
  if (bid.firm)
    return base::invalid("bid.preemptible", "a firm start cannot move, so nothing would be gained");
  if (bid.job_class == JobClass::eager)
    return base::invalid("bid.preemptible", "an eager job runs at once and to its end");
  return {};
}

Result<> check_widths(const domain::Bid& bid) {
  if (bid.widths.empty()) return {};
  if (!bid.preemptible)
    return base::invalid("bid.widths", "a job whose width changes must be preemptible");
  if (bid.job_class != JobClass::reserved)
    return base::invalid("bid.widths", "only a job that is promised its end changes its width");
  if (bid.widths.size() > domain::kMostWidths)
    return base::invalid("bid.widths", "at most {}", domain::kMostWidths);
  std::int32_t before = 0;
  for (const domain::Width& width : bid.widths) {
    if (width.ranks <= before || width.ranks > kMostRanks)
      return base::invalid("bid.widths", "ranks must rise, from 1 to at most {}", kMostRanks);
    if (width.speed < 1 || width.speed > domain::kHighestSpeed)
      return base::invalid("bid.widths", "a speed must be 1 to {}", domain::kHighestSpeed);
    before = width.ranks;
  }
  if (domain::speed_on(bid.widths, bid.shape.ranks) == 0)
    return base::invalid("bid.widths", "{} ranks, for which the duration is said, are missing",
                         bid.shape.ranks);
  return {};
}

Result<> check_bid(const domain::Bid& bid, domain::Time now) {
  if (auto ok = check_shape(bid.shape); !ok) return ok;
  if (bid.duration <= Duration{} || bid.duration > kLongestJob) {
    return base::invalid("bid.duration", "must be more than 0 and at most 90 days");
  }
  if (bid.earliest < domain::Time{} || bid.earliest > domain::kNever) {
    return base::invalid("bid.earliest", "is not a time");
  }
  if (bid.deadline <= now || bid.deadline > domain::kNever)
    return base::invalid("bid.deadline", "is in the past");
  if (bid.deadline <= bid.earliest)
    return base::invalid("bid.deadline", "is not after the earliest start");
  if (bid.max_price && (*bid.max_price < domain::Money{} || bid.max_price->micros > kMostAmount)) {
    return base::invalid("bid.max_price", "must be 0 to 2^50 micro-credits");
  }
  if (bid.firm && bid.job_class == JobClass::flex) {
    return base::invalid("bid.firm", "a flex job is promised nothing, so no start either");
  }
  if (bid.job_class == JobClass::eager && bid.earliest > now + domain::kMinute) {
    return base::invalid("bid.earliest", "an eager job starts now");
  }
  if (auto ok = check_preemptible(bid); !ok) return ok;
  return check_widths(bid);
}

/// That what it waits for is said in one way. Which jobs there are is asked when it is answered.
Result<> check_after(const domain::JobSpec& spec) {
  if (spec.after.size() > kMostParents)
    return base::invalid("after", "at most {} jobs", kMostParents);
  for (std::size_t i = 0; i < spec.after.size(); ++i) {
    const auto& wish = spec.after[i];
    const bool by_number = wish.job.value > 0 && wish.name.empty();
    const bool by_name = wish.job.value == 0 && !wish.name.empty();
    if (!by_number && !by_name)
      return base::invalid(fmt::format("after[{}].job", i), "a job's number or its name");
    if (wish.name.size() > 200 || !is_text(wish.name))
      return base::invalid(fmt::format("after[{}].name", i), "longer than 200 bytes");
  }
  if (!spec.after.empty() && spec.bid.job_class == JobClass::eager)
    return base::invalid("after", "an eager job starts now, so it waits for no other");
  return {};
}

Result<> check_alternatives(const domain::JobSpec& spec, domain::Time now) {
  if (spec.alternatives.size() > kMostAlternatives)
    return base::invalid("alternatives", "at most {}", kMostAlternatives);
  for (std::size_t i = 0; i < spec.alternatives.size(); ++i) {
    auto good = check_bid(domain::changed(spec.bid, spec.alternatives[i]), now);
    if (good) continue;
    const std::string field = good.error().field.substr(good.error().field.find('.') + 1);
    return std::unexpected(
        std::move(good).error().in_field(fmt::format("alternatives[{}].{}", i, field)));
  }
  return {};
}

}  // namespace

Result<> check(const domain::JobSpec& spec, domain::Time now) {
  if (spec.name.size() > 200 || !is_text(spec.name))
    return base::invalid("name", "longer than 200 bytes");
  if (spec.priority < -kHighestPriority || spec.priority > kHighestPriority)
    return base::invalid("priority", "must be -{} to {}", kHighestPriority, kHighestPriority);
  if (auto ok = check_program(spec.program); !ok) return ok;
  if (auto ok = check_after(spec); !ok) return ok;
  if (auto ok = check_alternatives(spec, now); !ok) return ok;
  return check_bid(spec.bid, now);
}

}  // namespace ledger::jobs
