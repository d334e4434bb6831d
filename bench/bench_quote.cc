// How long a quote takes: the kernel over one pool, and whole quotes with gang placement on a large
// cluster that is already booked. Prints the median and the 99th percentile beside the target.
#include <time.h>

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "era/cheapest.h"
#include "era/plan.h"
#include "era/quote.h"
#include "era/request.h"

namespace {

/// Time this thread has computed, so that what else the machine does does not count.
double cpu_micros() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

struct Spread {
  double median = 0;
  double p99 = 0;
};

Spread spread_of(std::vector<double>& micros) {
  if (micros.empty()) return {};
  std::sort(micros.begin(), micros.end());
  return {micros[micros.size() / 2], micros[micros.size() * 99 / 100]};
}

void print_row(const std::string& what, std::vector<double> micros, const std::string& target) {
  const std::size_t samples = micros.size();
  const Spread spread = spread_of(micros);
  std::printf("%-58s %9.2f %9.2f   %-24s %zu\n", what.c_str(), spread.median, spread.p99,
              target.c_str(), samples);
}

domain::Duration hours(std::int64_t n) { return domain::kHour * n; }

/// One pool in which every slot's load differs from its neighbours': the most runs there can be.
era::Plan jagged_pool(std::int32_t slots) {
  era::Plan plan({.slot = domain::kMinute, .horizon_slots = slots});
  plan.put_node({.id = {"n"},
                 .pool = {"a100"},
                 .gpu_model = "a100",
                 .capacity = {.gpus = 1024, .cpu_millis = 0, .memory_bytes = 0}});
  std::mt19937 random{1};
  std::int32_t before = 0;
  for (std::int32_t slot = 0; slot < slots; ++slot) {
    std::int32_t gpus = 1 + static_cast<std::int32_t>(random() % 900);
    if (gpus == before) ++gpus;
    before = gpus;
    plan.book({.job = {slot + 1},
               .pool = {"a100"},
               .start = domain::Time{} + domain::kMinute * slot,
               .finish = domain::Time{} + domain::kMinute * (slot + 1),
               .per_rank = {.gpus = gpus},
               .nodes = {{"n"}},
               .earliest = {},
               .shape = {}});
  }
  return plan;
}

/// The least there is to do: one array of loads, one table of prefix sums, a sum that slides.
std::int64_t slide_over_array(const std::vector<std::int32_t>& loads,
                              const std::vector<std::int64_t>& totals, std::int32_t gpus,
                              std::size_t length) {
  std::int64_t sum = 0;
  std::int64_t best = std::numeric_limits<std::int64_t>::max();
  std::size_t feasible_from = 0;
  const auto capacity = static_cast<std::int32_t>(totals.size()) - 1;
  const auto cost = [&](std::size_t slot) {
    const auto load = static_cast<std::size_t>(loads[slot]);
    return totals[load + static_cast<std::size_t>(gpus)] - totals[load];
  };
  for (std::size_t slot = 0; slot < loads.size(); ++slot) {
    if (loads[slot] + gpus > capacity) {
      sum = 0;
      feasible_from = slot + 1;
      continue;
    }
    sum += cost(slot);
    if (slot + 1 < feasible_from + length) continue;
    best = std::min(best, sum);
    sum -= cost(slot + 1 - length);
  }
  return best;
}

/// What the kernel's work costs on this machine, now, with nothing around it.
void plain_array(std::int32_t slots) {
  const era::Plan plan = jagged_pool(slots);
  const era::Lane& lane = plan.ground().lanes().begin()->second;
  std::vector<std::int32_t> loads;
  for (std::int32_t slot = 0; slot < slots; ++slot) {
    loads.push_back(lane.runs().all()[lane.runs().at(slot)].value.gpus_promised);
  }
  const auto& table = *lane.capacity_of(lane.runs().all()[0].value).gpu_prices[0];
  const std::vector<std::int64_t> totals(table.totals(), table.totals() + 1025);
  std::mt19937 random{2};
  std::vector<double> micros;
  for (int i = 0; i < 2'000; ++i) {
    const std::size_t length = 10 + random() % 110;
    const auto found = era::cheapest_stretch(
        lane, {.gpus = 8},
        {static_cast<std::int64_t>(length), 0, slots - static_cast<std::int64_t>(length)});
    const double start = cpu_micros();
    const std::int64_t best = slide_over_array(loads, totals, 8, length);
    micros.push_back(cpu_micros() - start);
    if (!found || found->cost != best) std::puts("the kernel and the plain array disagree");
  }
  print_row("plain array, " + std::to_string(slots) + " slots, W = 8", micros, "(to compare with)");
}

void kernel(std::int32_t slots, const std::string& target) {
  const era::Plan plan = jagged_pool(slots);
  const era::Lane& lane = plan.ground().lanes().begin()->second;
  for (const std::int32_t gpus : {1, 8, 64}) {
    std::mt19937 random{2};
    std::vector<double> micros;
    std::int64_t sum = 0;
    for (int i = 0; i < 2'000; ++i) {
      const std::int64_t length = 10 + static_cast<std::int64_t>(random() % 110);
      const double start = cpu_micros();
      const auto found = era::cheapest_stretch(lane, {.gpus = gpus}, {length, 0, slots - length});
      micros.push_back(cpu_micros() - start);
      sum += found ? found->cost : 0;
    }
    if (sum == 0) std::puts("no stretch found");
    print_row(
        "kernel, " + std::to_string(slots) + " slots, all different, W = " + std::to_string(gpus),
        micros, target);
  }
}

/// A large cluster, and who asks for it.
struct Setting {
  std::int32_t largest_gang = 8;  ///< Ranks.
  int quotes = 2'000;
  std::int32_t days = 30;
  bool is_forecast = false;  ///< Whether demand makes the prices.
  bool closes = false;       ///< Whether every node is closed from 8 to 18 o'clock, each day.
  int off = 0;               ///< Nodes that take six minutes until they can be used.
};

domain::Bid random_bid(std::mt19937& random, const Setting& setting) {
  domain::Bid bid;
  bid.job_class = domain::JobClass::reserved;
  constexpr std::int32_t kGpus[] = {1, 2, 4, 8, 8, 8};
  bid.shape.per_rank.gpus = kGpus[random() % 6];
  bid.shape.per_rank.cpu_millis = std::int64_t{4'000} * bid.shape.per_rank.gpus;
  bid.shape.ranks =
      1 + static_cast<std::int32_t>(random() % static_cast<unsigned>(setting.largest_gang));
  bid.shape.placement = static_cast<domain::Placement>(random() % 3);
  bid.duration = domain::kMinute * (30 + static_cast<std::int64_t>(random() % (48 * 60)));
  bid.earliest =
      domain::Time{} +
      domain::kMinute *
          static_cast<std::int64_t>(random() % static_cast<unsigned>((setting.days - 5) * 24 * 60));
  const auto window = static_cast<std::int64_t>(random() % 3);
  if (window < 2) bid.deadline = bid.earliest + bid.duration + hours(window == 0 ? 12 : 120);
  return bid;
}

/// What two days of bids teach, a hundred an hour.
era::Forecast forecast_of(const Setting& setting) {
  era::Learner learner;
  domain::Time now;
  std::mt19937 random{5};
  for (int i = 0; i < 4'800; ++i) {
    const domain::Bid bid = random_bid(random, setting);
    const domain::Duration window =
        bid.deadline == domain::kNever ? hours(24 * 7) : bid.deadline - bid.earliest;
    learner.see({std::int64_t{1'000} * bid.shape.ranks * bid.shape.per_rank.gpus, bid.duration,
                 bid.earliest - domain::Time{}, window,
                 domain::credits(1 + static_cast<std::int64_t>(random() % 10))},
                now);
    if (i % 100 == 99) learner.pass_hour(now = now + domain::kHour);
  }
  return era::forecast(learner, now);
}

era::Plan booked_cluster(const Setting& setting) {
  const std::int32_t bookings = 5'000 * setting.days / 30;
  era::Plan plan({.slot = domain::kMinute, .horizon_slots = setting.days * 24 * 60});
  std::vector<era::PlanNode> nodes;
  for (int i = 0; i < 1000; ++i) {
    era::PlanNode node{.id = {fmt::format("n{:04}", i)},
                       .pool = {"h100"},
                       .gpu_model = "h100",
                       .capacity = {.gpus = 8, .cpu_millis = 128'000, .memory_bytes = 0}};
    if (setting.closes)
      node.closed.push_back({domain::Time{} + hours(8), domain::Time{} + hours(18), domain::kDay});
    if (i < setting.off) node.opens_after = domain::kMinute * 6;
    nodes.push_back(std::move(node));
  }
  plan.put_nodes(nodes);
  std::mt19937 random{3};
  std::int32_t booked = 0;
  for (int tries = 0; booked < bookings && tries < 3 * bookings; ++tries) {
    const domain::Bid bid = random_bid(random, setting);
    const auto answer = era::find_offer(plan, bid, {});
    const auto* offer = std::get_if<era::Offer>(&answer);
    if (offer == nullptr) continue;
    ++booked;
    plan.book({.job = {booked},
               .pool = offer->pool,
               .start = offer->start,
               .finish = offer->finish,
               .per_rank = bid.shape.per_rank,
               .nodes = offer->nodes,
               .movable = true,
               .firm = booked % 4 == 0,
               .earliest = bid.earliest,
               .deadline = bid.deadline,
               .shape = bid.shape});
  }
  if (setting.is_forecast)
    plan.set_forecast(plan.ground().lanes().begin()->first, forecast_of(setting));
  return plan;
}

double share_booked(const era::Plan& plan, std::int32_t days) {
  double promised = 0;
  for (const auto& [job, booking] : plan.bookings()) {
    promised += static_cast<double>(booking.per_rank.gpus) *
                static_cast<double>(booking.nodes.size()) *
                static_cast<double>((booking.finish - booking.start).ms);
  }
  return promised / (8'000.0 * static_cast<double>((domain::kDay * days).ms));
}

void cluster(const Setting& setting) {
  const era::Plan plan = booked_cluster(setting);
  const auto& lane = plan.ground().lanes().begin()->second;
  fmt::print("\n1,000 nodes x 8 GPUs, {} days: {} bookings, {} runs, {:.0f} % booked{}{}{}\n",
             setting.days, plan.bookings().size(), lane.runs().size(),
             100 * share_booked(plan, setting.days),
             setting.is_forecast ? ", prices from a forecast" : "",
             setting.closes ? ", all closed 10 hours a day" : "",
             setting.off > 0 ? fmt::format(", {} nodes off", setting.off) : "");
  std::vector<double> all;
  std::vector<double> whole_horizon;
  std::vector<double> moved;
  std::vector<double> refused;
  std::mt19937 random{4};
  for (int i = 0; i < setting.quotes; ++i) {
    domain::Bid bid = random_bid(random, setting);
    const bool widest = i % 4 == 0;
    if (widest) bid.earliest = {};
    if (widest) bid.deadline = domain::kNever;
    const double start = cpu_micros();
    const era::Answer answer = era::quote(plan, bid, {});
    const double micros = cpu_micros() - start;
    const auto* offer = std::get_if<era::Offer>(&answer);
    all.push_back(micros);
    if (widest) whole_horizon.push_back(micros);
    if (offer == nullptr) refused.push_back(micros);
    if (offer != nullptr && !offer->moves.empty()) moved.push_back(micros);
  }
  const std::string target = "p50 <= 200, p99 <= 2,000";
  print_row("quote with gang placement, all", all, target);
  print_row("  of these: windows of the whole horizon", whole_horizon, target);
  print_row("  of these: found a place by moving others", moved, "-");
  print_row("  of these: refused, after trying to move others", refused, "-");
}

/// A minute passes: what is off can be used a minute later than before.
void pass_minutes(const Setting& setting) {
  era::Plan plan = booked_cluster(setting);
  std::vector<double> micros;
  for (int minute = 1; minute <= 100; ++minute) {
    const double start = cpu_micros();
    plan.advance(domain::Time{} + domain::kMinute * minute);
    micros.push_back(cpu_micros() - start);
  }
  print_row(fmt::format("a minute passes, {} nodes off{}", setting.off,
                        setting.closes ? ", closed 10 hours a day" : ""),
            micros, "-");
}

/// `bid`, which may pause at the cost of ten minutes, and also have half to eight times its ranks.
domain::Bid in_pieces(domain::Bid bid, bool elastic) {
  bid.preemptible = true;
  bid.restart = domain::kMinute * 10;
  if (!elastic) return bid;
  std::int32_t speed = 1'000;
  for (std::int32_t ranks = bid.shape.ranks; ranks <= 8 * bid.shape.ranks; ranks *= 2) {
    if (ranks == bid.shape.ranks && ranks > 1) bid.widths.push_back({ranks / 2, 550});
    bid.widths.push_back({ranks, speed});
    speed = speed * 9 / 5;
  }
  return bid;
}

/// The bids of cluster() once more, as jobs that keep checkpoints.
void pieces(const Setting& setting) {
  const era::Plan plan = booked_cluster(setting);
  for (const bool elastic : {false, true}) {
    std::vector<double> all;
    std::vector<double> whole_horizon;
    std::mt19937 random{4};
    for (int i = 0; i < setting.quotes; ++i) {
      domain::Bid bid = in_pieces(random_bid(random, setting), elastic);
      const bool widest = i % 4 == 0;
      if (widest) bid.earliest = {};
      if (widest) bid.deadline = domain::kNever;
      const double start = cpu_micros();
      const era::Answer answer = era::quote(plan, bid, {});
      all.push_back(cpu_micros() - start);
      if (widest) whole_horizon.push_back(all.back());
    }
    print_row(elastic ? "quote of an elastic bid, all" : "quote of a preemptible bid, all", all,
              elastic ? "p99 <= 5,000" : "-");
    print_row("  of these: windows of the whole 30 days", whole_horizon, "-");
  }
}

}  // namespace

int main() {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::printf("%-58s %9s %9s   %-24s %s\n", "microseconds", "median", "p99", "target", "samples");
  for (const std::int32_t slots : {288, 2'016, 8'640}) plain_array(slots);
  kernel(288, "p50 <= 1");
  kernel(2'016, "p50 <= 5");
  kernel(8'640, "p50 <= 25");
  cluster({});
  cluster({.is_forecast = true});
  cluster({.days = 90, .is_forecast = true});
  cluster({.largest_gang = 24, .quotes = 400});
  cluster({.days = 90, .is_forecast = true, .off = 200});
  cluster({.days = 90, .is_forecast = true, .closes = true, .off = 200});
  std::puts("");
  for (const bool closes : {false, true})
    pass_minutes({.days = 90, .is_forecast = true, .closes = closes, .off = 1000});
  std::puts("");
  pieces({.quotes = 400});
}
