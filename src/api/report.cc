#include <array>
#include <memory>
#include <utility>

#include "api/routes.h"
#include "api/service.h"
#include "report/bids.h"
#include "report/fold.h"

namespace api {
namespace {

using base::ErrorCode;
using controller::PlacedFact;

constexpr std::size_t kPage = 1'000;
constexpr std::size_t kMostBids = 100'000;
constexpr int kMostAtOnce = 2;
constexpr std::int64_t kLatest_ms = std::int64_t{1} << 53;
constexpr domain::Duration kUsualPeriod = domain::kDay * 7;

struct Question {
  report::Scope scope;
  bool with_bids = false;
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
  const auto with = text(call, "with");
  if (with && *with != "bids") return base::invalid("with", "with: expected bids");
  if (with && !team->value.empty()) {
    return base::fail(ErrorCode::permission_denied,
                      "the bids are for operators, and of every team: a replay needs them all");
  }
  return Question{{*period, *std::move(team), *ratios}, with.has_value(), reading.position};
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
        bids_(question.scope.period, kMostBids) {}
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
    }
    position_ += facts.size();
    const bool is_over = facts.empty() || position_ >= question_.end;
    if (!is_over && !fold_.is_over(facts.back().fact.at)) return read_on();
    answer();
  }

  void answer() {
    boost::json::value body = base::to_json(fold_.finish());
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
