#include "cli/other_ways.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "cli/describe.h"

namespace cli {
namespace {

using domain::Duration;
using domain::JobClass;
using domain::Time;

constexpr int kMostHalvings = 3;
constexpr Duration kBreak{2 * 60'000};  ///< What going on after a break is taken to cost.

/// The work is taken to be done in proportion to the ranks.
void add_narrower(const JobRequest& request, std::vector<OtherWay>& ways) {
  const std::int32_t ranks = request.ranks.value_or(1);
  const Duration duration = request.duration.value_or(domain::kHour);
  for (int halvings = 1; halvings <= kMostHalvings && ranks >> halvings > 0; ++halvings) {
    const std::int32_t fewer = ranks >> halvings;
    const std::int64_t minutes =
        (duration.ms * ranks / fewer + domain::kMinute.ms - 1) / domain::kMinute.ms;
    OtherWay way;
    way.changes.ranks = fewer;
    way.changes.duration = domain::kMinute * minutes;
    way.options =
        fmt::format("--ranks {} --duration {}", fewer, exact_duration(*way.changes.duration));
    ways.push_back(std::move(way));
  }
}

void add_later(const JobRequest& request, const Here& here, std::vector<OtherWay>& ways) {
  if (!request.by) return;
  const Duration window = *request.by - std::max(here.now, request.after.value_or(here.now));
  std::vector<Duration> more{window, domain::kDay, domain::kDay * 7};
  std::ranges::sort(more);
  for (const Duration added : more) {
    OtherWay way;
    way.changes.by = *request.by + added;
    way.options = fmt::format("--by {}", iso_minute(*way.changes.by, here));
    const bool is_known = !ways.empty() && ways.back().options == way.options;
    if (!is_known) ways.push_back(std::move(way));
  }
}

void add_breaks(const JobRequest& request, std::vector<OtherWay>& ways) {
  if (!request.by || request.preemptible) return;
  OtherWay way;
  way.changes.preemptible = kBreak;
  way.options = fmt::format("--preemptible {}", exact_duration(kBreak));
  ways.push_back(std::move(way));
}

/// Whether the option at `at` gets nothing else than what was asked for, or than an option before
/// it that is accepted.
bool is_no_news(const std::vector<Option>& options, std::size_t at) {
  const auto outcome = [](const Option& option) {
    return std::tie(option.price, option.start, option.finish, option.refused);
  };
  return std::any_of(options.begin(), options.begin() + static_cast<std::ptrdiff_t>(at),
                     [&](const Option& other) {
                       const bool counts = !other.refused || &other == &options.front();
                       return counts && outcome(other) == outcome(options[at]);
                     });
}

}  // namespace

std::vector<OtherWay> other_ways(const JobRequest& request, const Here& here) {
  std::vector<OtherWay> ways;
  add_narrower(request, ways);
  if (class_of(request) != JobClass::reserved) return ways;
  add_later(request, here, ways);
  add_breaks(request, ways);
  return ways;
}

void show_ways(Context& context, const std::vector<OtherWay>& ways, const Choice& choice) {
  context.output.line("");
  Table table{{{context.say("ways.title"), false, false},
               {context.say("column.start")},
               {context.say("column.finish")},
               {context.say("column.price"), true}},
              {}};
  std::vector<std::string> refused;
  for (std::size_t i = 0; i < ways.size() && i + 1 < choice.options.size(); ++i) {
    if (is_no_news(choice.options, i + 1)) continue;
    const Option& option = choice.options[i + 1];
    if (option.refused) {
      refused.push_back(
          fmt::format("{}: {}", ways[i].options, reason_text(context, *option.refused)));
      continue;
    }
    table.rows.push_back({ways[i].options, context.moment(option.start),
                          context.moment(option.finish), show_credits({option.price.value_or(0)})});
  }
  if (table.rows.empty()) {
    context.output.line(context.say("ways.none"));
  } else {
    context.output.table(table);
  }
  for (const std::string& line : refused) context.output.sentence(line);
}

}  // namespace cli
