#include <array>
#include <memory>
#include <utility>

#include "api/routes.h"
#include "api/samples.h"
#include "api/tail.h"
#include "report/bids.h"
#include "report/fold.h"
#include "report/measured.h"

namespace api {
namespace {

using base::ErrorCode;
using controller::PlacedFact;

constexpr std::size_t kPage = 1'000;
constexpr std::size_t kMostBids = 100'000;
constexpr std::size_t kMostRuns = 1'000;
constexpr std::uint64_t kMostSampleBytes = 1024 * 1024;  ///< Of one run, the newest.
constexpr int kMostAtOnce = 2;
constexpr std::int64_t kLatest_ms = std::int64_t{1} << 53;
constexpr domain::Duration kUsualPeriod = domain::kDay * 7;

struct Question {
  report::Scope scope;
  bool with_bids = false;
  bool with_samples = false;
  std::uint64_t end = 0;  ///< Facts in the log when it was asked.
};

base::Result<report::Period> period_of(const Call& call, domain::Time now) {
  auto to = number_or(call, "to", {0, kLatest_ms}, now.ms);
  if (!to) return base::pass(to);
  const domain::Time end{std::min(*to, now.ms)};
  auto from = number_or(call, "from", {0, kLatest_ms}, (end - kUsualPeriod).ms);
  if (!from) return base::pass(from);
  if (*from >= end.ms) {
    return base::invalid("from", "from: a report ends after it begins, and not in the future");
  }
  return report::Period{{*from}, end};
}

/// Three whole percentages, of cores, GPUs and memory.
base::Result<report::Ratios> ratios_of(const Call& call) {
  const auto typed = text(call, "ratios");
  if (!typed) return report::Ratios{};
  std::array<std::int64_t, 3> parts{};
  std::string_view rest = *typed;
  bool is_fine = true;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t comma = rest.find(',');
    const auto part = parse_number(rest.substr(0, comma));
    is_fine = is_fine && part && *part >= 0 && *part <= 100;
    parts[i] = part.value_or(0);
    const bool is_last = i + 1 == parts.size();
    is_fine = is_fine && (comma == rest.npos) == is_last;
    rest.remove_prefix(comma == rest.npos ? rest.size() : comma + 1);
  }
  if (!is_fine || parts[0] + parts[1] + parts[2] != 100) {
    return base::invalid("ratios", "ratios: expected CPU,GPU,MEMORY in percent, such as 20,60,20");
  }
  const auto share = [](std::int64_t percent) { return static_cast<double>(percent) / 100; };
  return report::Ratios{share(parts[0]), share(parts[1]), share(parts[2])};
}

/// Whose figures: a member's own team's; an operator's choice, or everybody's.
base::Result<domain::TeamId> team_of(const Call& call, const Reading& reading) {
  const auto typed = text(call, "team");
  if (call.asker.role == Role::member) {
    if (!typed || *typed == call.asker.team.value) return call.asker.team;
    return base::fail(ErrorCode::permission_denied, "members see the report of their own team");
  }
  domain::TeamId team{typed.value_or("")};
  if (!typed || reading.state.access.teams.contains(team)) return team;
  return base::fail(ErrorCode::not_found, "there is no team {}",
                    base::valid_utf8(team.value.substr(0, 80)));
}

base::Result<Question> question_of(const Call& call, const Reading& reading) {
  auto period = period_of(call, reading.now);
  if (!period) return base::pass(period);
  auto ratios = ratios_of(call);
  if (!ratios) return base::pass(ratios);
  auto team = team_of(call, reading);
  if (!team) return base::pass(team);
  const std::string with = text(call, "with").value_or("");
  const bool both = with == "bids,samples";
  if (!both && !with.empty() && with != "bids" && with != "samples") {
    return base::invalid("with", "with: expected bids, samples or bids,samples");
  }
  if (!with.empty() && !team->value.empty()) {
    return base::fail(ErrorCode::permission_denied,
                      "bids and samples are for operators, and of every team at once");
  }
  return Question{{*period, *std::move(team), *ratios},
                  both || with == "bids",
                  both || with == "samples",
                  reading.position};
}

/// One report in the making. Reads the log page by page where old facts are read, off the control
/// thread, and lets others read between two pages. Kept alive by the page that it waits for.
class ReportReader : public std::enable_shared_from_this<ReportReader> {
 public:
  ReportReader(Service& service, CallPtr call, const Question& question)
      : service_(service),
        call_(std::move(call)),
        question_(question),
        fold_(question.scope),
        bids_(question.scope.period, kMostBids),
        runs_(question.scope.period, kMostRuns) {}
  ~ReportReader() { --service_.reports; }
  ReportReader(const ReportReader&) = delete;
  ReportReader& operator=(const ReportReader&) = delete;

  void read_on() {
    const auto done = [self = shared_from_this()](base::Result<std::vector<PlacedFact>> facts) {
      if (!facts) return finish(*self->call_, base::pass(facts));
      self->take(*facts);
    };
    if (!service_.desk().facts(position_, kPage, done)) {
      finish(*call_, std::unexpected(busy()));
    }
  }

 private:
  void take(const std::vector<PlacedFact>& facts) {
    for (const PlacedFact& placed : facts) {
      fold_.take(placed.fact);
      if (question_.with_bids) bids_.take(placed.fact);
      if (question_.with_samples) runs_.take(placed.fact);
    }
    position_ += facts.size();
    const bool is_over = facts.empty() || position_ >= question_.end;
    if (!is_over && !fold_.is_over(facts.back().fact.at)) return read_on();
    report_ = fold_.finish();
    left_ = runs_.list();
    measure();
  }

  /// Looks at what one run used, then lets others read.
  void measure() {
    if (left_.empty()) return answer();
    const report::RankRun run = std::move(left_.back());
    left_.pop_back();
    service_.options().run_blocking([self = shared_from_this(), run] {
      self->measured_.add(run, self->samples(run));
      self->measure();
    });
  }

  /// None where the file is gone or cannot be read: the report says how much was measured.
  std::vector<report::RankSample> samples(const report::RankRun& run) {
    std::vector<report::RankSample> all;
    const auto found = samples_of(service_.files(), run.job,
                                  kept_name(run.attempt, run.rank, kSamples), kMostSampleBytes);
    if (!found) return all;
    for (const Sample& each : *found) {
      report::RankSample sample{{each.t}, each.cpu_ms, each.memory_bytes, 0};
      for (const GpuSample& gpu : each.gpus) sample.gpu_permille += gpu.permille;
      all.push_back(sample);
    }
    return all;
  }

  void answer() {
    boost::json::value body = base::to_json(report_);
    if (question_.with_samples && report_.cluster) {
      body.as_object()["measured"] =
          base::to_json(measured_.report(report_.cluster->machines, question_.scope.ratios));
    }
    if (question_.with_bids) {
      const report::BidList list = bids_.list();
      body.as_object()["bids"] = base::to_json(list.bids);
      body.as_object()["bids_left_out"] = list.left_out;
    }
    finish(*call_, json_response(200, body));
  }

  Service& service_;
  const CallPtr call_;
  const Question question_;
  report::Fold fold_;
  report::Bids bids_;
  report::Runs runs_;
  report::Report report_;
  std::vector<report::RankRun> left_;
  report::Measured measured_;
  std::uint64_t position_ = 0;
};

void get_report(Service& service, const CallPtr& call) {
  service.enter(call, [&service, call](const Reading& reading) {
    auto question = question_of(*call, reading);
    if (!question) return finish(*call, base::pass(question));
    if (++service.reports > kMostAtOnce) {
      --service.reports;
      return finish(*call, base::fail(ErrorCode::unavailable,
                                      "other reports are being made; ask again soon"));
    }
    std::make_shared<ReportReader>(service, call, *question)->read_on();
  });
}

}  // namespace

std::vector<Route> report_routes() {
  return {
      {"GET", "/v1/report", Role::member, get_report, {"from", "to", "team", "ratios", "with"}},
  };
}

}  // namespace api
