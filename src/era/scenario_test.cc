// Runs tests/scenarios/*.txt: what users expect, in their words. UPDATE=1 writes down what happens
// instead; review the difference. tests/scenarios/README.md has the words.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>

#include "era/quote.h"
#include "era/test_world.h"
#include "scenario/file.h"

namespace era {
namespace {

using domain::Bid;
using domain::Duration;
using domain::JobId;
using domain::Money;
using domain::NodeId;
using domain::Time;
using scenario::length_of;
using scenario::money_of;
using scenario::text_of;
using scenario::Words;

/// Nodes with how many ranks each holds: "a100-1 x2 a100-2".
std::string text_of(const std::vector<NodeId>& nodes) {
  Words parts;
  for (const auto& [node, ranks] : ranks_by_node(nodes)) {
    parts.push_back(ranks == 1 ? node.value : fmt::format("{} x{}", node.value, ranks));
  }
  return fmt::format("{}", fmt::join(parts, " "));
}

std::string text_of(RefusalReason reason) {
  static const std::map<RefusalReason, std::string> kTexts{
      {RefusalReason::no_such_pool, "no such pool"},
      {RefusalReason::rank_larger_than_node, "a rank is larger than a node"},
      {RefusalReason::larger_than_pool, "larger than the pool"},
      {RefusalReason::window_too_short, "the window is too short"},
      {RefusalReason::beyond_horizon, "beyond the horizon"},
      {RefusalReason::no_free_window, "no free window"},
      {RefusalReason::fragmented, "fragmented"},
      {RefusalReason::not_free_now, "not free now"},
      {RefusalReason::too_expensive, "too expensive"},
      {RefusalReason::insufficient_funds, "insufficient funds"},
      {RefusalReason::limit_reached, "limit reached"},
      {RefusalReason::no_promised_end, "no promised end"},
      {RefusalReason::refused_together, "refused together"}};
  return kTexts.at(reason);
}

/// One cluster that lives through one file.
class Scenario {
 public:
  Scenario() : plan_({.slot = domain::kMinute, .horizon_slots = 7 * 24 * 60}) {
    plan_.set_prices(test::flat_prices());
  }

  /// What follows from a line, in words; empty if nothing is to be said.
  std::string follow(const Words& words) {
    if (words.at(0) == "pool") return add_pool(words);
    if (words.at(0) == "prices") return set_prices(words);
    now_ = Time{} + length_of(words.at(1));
    plan_.advance(now_);
    const std::string& verb = words.at(3);
    if (words.at(2) == "node") return change_node(words);
    if (words.at(2) == "displaced") return mend_displaced();
    if (words.at(2) == "whoever") return start_early(words);
    if (verb == "starts") return plan_.pin(jobs_.at(words.at(2))), "";
    if (verb == "ends") return plan_.unbook(jobs_.at(words.at(2))), "";
    if (verb == "extends") return extend(words);
    return make_bid(words);
  }

 private:
  /// pool a100 with 8 gpus | pool a100 with 2 nodes of 8 gpus and 64 cores
  std::string add_pool(const Words& words) {
    const std::string& name = words.at(1);
    const bool many = words.at(4).starts_with("node");
    const int count = many ? std::stoi(words.at(3)) : 1;
    domain::Resources capacity{.gpus = 0, .cpu_millis = 0, .memory_bytes = 0};
    for (std::size_t i = many ? 6 : 3; i + 1 < words.size(); i += 3) {
      const int amount = std::stoi(words.at(i));
      if (words.at(i + 1).starts_with("gpu")) capacity.gpus = amount;
      if (words.at(i + 1).starts_with("core")) capacity.cpu_millis = std::int64_t{amount} * 1000;
    }
    for (int i = 1; i <= count; ++i) {
      plan_.put_node({.id = {fmt::format("{}-{}", name, i)},
                      .pool = {name},
                      .gpu_model = capacity.gpus > 0 ? name : "",
                      .capacity = capacity});
    }
    nodes_ += count;
    return "";
  }

  /// prices 1 from 50% 2 from 75% 4 | prices of h100 3
  std::string set_prices(const Words& words) {
    PriceList prices = plan_.prices();
    if (words.at(1) == "of") {
      prices.gpu_hour[words.at(2)] = money_of(words.at(3));
    } else {
      prices.curve = {{0, static_cast<std::int32_t>(std::stod(words.at(1)) * 1000)}};
      for (std::size_t i = 2; i + 2 < words.size(); i += 3) {
        prices.curve.push_back({std::stoi(words.at(i + 1)) * 10,
                                static_cast<std::int32_t>(std::stod(words.at(i + 2)) * 1000)});
      }
    }
    plan_.set_prices(prices);
    return "";
  }

  /// at 2h node a100-1 closes | is lost
  std::string change_node(const Words& words) {
    const NodeId id{words.at(3)};
    PlanNode node = plan_.ground().find(id)->node;
    if (words.at(4) == "closes") {
      node.closed = {{now_}};
      plan_.put_node(node);
    } else {
      plan_.remove_node(id);
    }
    Words displaced;
    for (const JobId job : plan_.displaced()) displaced.push_back(name_of(job));
    return displaced.empty() ? "nobody is displaced"
                             : fmt::format("displaces {}", fmt::join(displaced, " "));
  }

  std::string mend_displaced() {
    const Mended mended = mend(plan_, plan_.displaced(), now_);
    Words parts = texts_of(mended.moves);
    for (const JobId job : mended.broken) {
      parts.push_back(fmt::format("{} is broken", name_of(job)));
      plan_.unbook(job);
    }
    test::make(plan_, mended.moves);
    return fmt::format("{}", fmt::join(parts, ", "));
  }

  std::string start_early(const Words&) {
    const std::vector<Move> moves = early_starts(plan_, {}, now_, 16);
    test::make(plan_, moves);
    return moves.empty() ? "nobody" : fmt::format("{}", fmt::join(texts_of(moves), ", "));
  }

  /// at 1h alice extends to 6h
  std::string extend(const Words& words) {
    const JobId job = jobs_.at(words.at(2));
    const auto answer = extension(plan_, job, bids_.at(job), Time{} + length_of(words.at(5)), now_);
    if (const auto* given = std::get_if<Extension>(&answer)) return "for " + text_of(given->price);
    return text_of(std::get<Refusal>(answer));
  }

  /// at 0h alice [firmly|eagerly] reserves [2 x] 8 gpus [4 cores] [spread|packed] for 5h
  ///   within 0h..5h [in a100] [at most 30]
  std::string make_bid(const Words& words) {
    Bid bid = test::bid({.gpus = 0});
    for (std::size_t i = 3; i < words.size(); ++i) read_word(words, i, bid);
    const bool plain = std::find(words.begin(), words.end(), "x") == words.end();
    if (plain) {
      const std::int64_t cores = bid.shape.per_rank.cpu_millis / 1000;
      bid.shape.ranks = std::max(bid.shape.per_rank.gpus, static_cast<std::int32_t>(cores));
      bid.shape.per_rank.gpus = std::min(1, bid.shape.per_rank.gpus);
      bid.shape.per_rank.cpu_millis = std::min<std::int64_t>(1, cores) * 1000;
    }
    const Answer answer = quote(plan_, bid, now_);
    if (const Refusal* refusal = std::get_if<Refusal>(&answer)) {
      return text_of(explain(plan_, bid, now_, *refusal));
    }
    const Offer& offer = std::get<Offer>(answer);
    test::make(plan_, offer.moves);
    const JobId job{static_cast<std::int64_t>(jobs_.size()) + 1};
    jobs_[words.at(2)] = job;
    plan_.book(test::booking_of(job.value, bid, offer));
    bids_[job] = bid;
    Words parts{text_of(offer)};
    for (const std::string& move : texts_of(offer.moves)) parts.push_back(move);
    return fmt::format("{}", fmt::join(parts, ", "));
  }

  static void read_word(const Words& words, std::size_t i, Bid& bid) {
    const std::string& word = words[i];
    const auto next = [&] { return words.at(i + 1); };
    if (word == "firmly") bid.firm = true;
    if (word == "eagerly") bid.job_class = domain::JobClass::eager;
    if (word == "x") bid.shape.ranks = std::stoi(words.at(i - 1));
    if (word.starts_with("gpu")) bid.shape.per_rank.gpus = std::stoi(words.at(i - 1));
    if (word.starts_with("core"))
      bid.shape.per_rank.cpu_millis = std::stoll(words.at(i - 1)) * 1000;
    if (word == "spread") bid.shape.placement = domain::Placement::spread;
    if (word == "packed") bid.shape.placement = domain::Placement::packed;
    if (word == "for") bid.duration = length_of(next());
    if (word == "in") bid.shape.pool = next();
    if (word == "most") bid.max_price = money_of(next());
    if (word == "within") {
      const std::size_t dots = next().find("..");
      bid.earliest = Time{} + length_of(next().substr(0, dots));
      if (dots + 2 < next().size()) bid.deadline = Time{} + length_of(next().substr(dots + 2));
    }
  }

  std::string name_of(JobId job) const {
    for (const auto& [name, id] : jobs_) {
      if (id == job) return name;
    }
    return "?";
  }
  std::string text_of(const Offer& offer) const {
    const std::string where = nodes_ > 1 ? " on " + era::text_of(offer.nodes) : "";
    return fmt::format("{}..{} for {}{}", era::text_of(offer.start), era::text_of(offer.finish),
                       era::text_of(offer.price), where);
  }
  static std::string text_of(Money money) { return era::text_of(money); }
  Words texts_of(const std::vector<Move>& moves) const {
    Words parts;
    for (const Move& move : moves) {
      const std::string where = nodes_ > 1 ? " on " + era::text_of(move.nodes) : "";
      parts.push_back(fmt::format("{} moves to {}..{}{}", name_of(move.job),
                                  era::text_of(move.start), era::text_of(move.finish), where));
    }
    return parts;
  }
  static std::string text_of(const Change& change) {
    if (change.max_price) return "at most " + era::text_of(*change.max_price);
    if (change.deadline) return "until " + era::text_of(*change.deadline);
    if (change.per_rank) {
      const std::string ranks = change.ranks ? fmt::format("{} x ", *change.ranks) : "ranks of ";
      const auto& [gpus, cpu_millis, memory_bytes] = *change.per_rank;
      if (gpus > 0) return fmt::format("{}{} gpus", ranks, gpus);
      return fmt::format("{}{} cores", ranks, cpu_millis / 1000);
    }
    if (change.ranks) return fmt::format("{} ranks", *change.ranks);
    return "for " + era::text_of(*change.duration);
  }
  std::string text_of(const Refusal& refusal) const {
    std::string text = "refused: " + era::text_of(refusal.reason);
    if (refusal.price) text += fmt::format(" ({})", era::text_of(*refusal.price));
    Words names;
    for (const JobId job : refusal.blocking) names.push_back(name_of(job));
    if (!names.empty()) text += fmt::format("; behind {}", fmt::join(names, " "));
    if (refusal.blocked_until) text += " until " + era::text_of(*refusal.blocked_until);
    Words changes;
    for (const Change& change : refusal.changes) changes.push_back(text_of(change));
    if (!changes.empty()) text += fmt::format("; would do: {}", fmt::join(changes, ", or "));
    if (refusal.cheaper) text += "; cheaper: " + text_of(*refusal.cheaper);
    return text;
  }

  Plan plan_;
  Time now_;
  int nodes_ = 0;
  std::map<std::string, JobId> jobs_;
  std::map<JobId, Bid> bids_;
};

TEST(Scenarios, GoAsTheyAreWrittenDown) {
  const auto stories = scenario::play("", [] {
    return
        [world = std::make_shared<Scenario>()](const Words& line) { return world->follow(line); };
  });
  for (const auto& story : stories) {
    if (std::getenv("UPDATE") == nullptr) EXPECT_EQ(story.lived, story.written) << story.file;
  }
  EXPECT_GE(stories.size(), 12U) << "scenarios are found through $BERTH_SOURCE_DIR";
}

}  // namespace
}  // namespace era
