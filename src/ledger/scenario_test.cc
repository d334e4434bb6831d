// Lives through tests/scenarios/jobs/*.txt: the life of jobs, in the words of those who bid them.
// UPDATE=1 writes down what happens instead; review the difference. The README there has the words.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <memory>
#include <sstream>

#include "base/json.h"
#include "ledger/test_world.h"
#include "scenario/file.h"

namespace ledger {
namespace {

using domain::JobClass;
using domain::JobId;
using domain::Money;
using domain::Time;
using scenario::length_of;
using scenario::money_of;
using scenario::Words;

/// "gpu fault" for gpu_fault: the words that the facts have.
template <class Enum>
std::string name(Enum value) {
  std::string text(base::to_json(value).as_string());
  std::ranges::replace(text, '_', ' ');
  return text;
}

class Scenario {
 public:
  /// Lets time pass, does what the line says, and tells what came of both.
  std::string follow(const Words& words) {
    told_.clear();
    if (words.at(0) == "node") {
      cluster_.add_node(words.at(1), std::stoi(words.at(3)));
    } else {
      cluster_.pass(start_ + length_of(words.at(1)) - cluster_.now);
      act(words);
    }
    tell_facts();
    return fmt::format("{}", fmt::join(told_, ", "));
  }

 private:
  void act(const Words& words) {
    if (words.at(2) == "time") return;  // passes
    if (words.at(2) == "pricing") return set_pricing(words.at(4));
    if (words.at(2) == "quota") return set_quota(words);
    if (words.at(2) == "the") return told_.push_back(fmt::format("{}", text(cluster_.balance())));
    if (words.at(2) == "node" && words.at(4) == "closes") return close(words);
    if (words.at(2) == "node" && words.at(4) == "opens")
      return answer(cluster_.wish(nodes::Command{nodes::OpenNodes{words.at(3)}}));
    if (words.at(2) == "node") return act_on_node(words.at(3), words.at(5));
    if (words.at(2) == "rank") {
      return end_rank(words.at(5), std::stoul(words.at(3)), Words(words.begin() + 6, words.end()));
    }
    if (words.at(3) == "bids") return bid(words);
    act_on_job(words.at(2), Words(words.begin() + 3, words.end()));
  }

  /// at 0m pricing is off
  void set_pricing(const std::string& how) {
    auto prices = cluster_.state.accounts.prices;
    prices.pricing = how == "off" ? era::Pricing::off : era::Pricing::on;
    answer(cluster_.wish(accounts::Command{accounts::SetPrices{prices}}));
  }

  /// at 0m quota of ada is 2 gpus [soft]; of vision: the team's
  void set_quota(const Words& words) {
    domain::Quota quota{.gpus = std::stoi(words.at(6)), .soft = words.back() == "soft"};
    if (words.at(4) == "vision") {
      quota.team = {"vision"};
    } else {
      quota.user = {words.at(4)};
    }
    answer(cluster_.wish(limits::Command{limits::SetQuota{quota}}));
  }

  /// at 5m node n1 is silent | lost | drained | resumed | rebooted
  void act_on_node(const std::string& node, const std::string& how) {
    const domain::NodeId id{node};
    if (how == "silent") cluster_.silence(node);
    if (how == "lost") cluster_.lose_node(node);
    if (how == "rebooted") return reboot(node);
    if (how == "drained") answer(cluster_.wish(nodes::Command{nodes::DrainNode{id, "service"}}));
    if (how == "resumed") answer(cluster_.wish(nodes::Command{nodes::ResumeNode{id}}));
  }

  /// at 5m node n1 closes within 60m..120m [every 24h] [anyway]; the closure has the node's name
  void close(const Words& words) {
    const std::size_t dots = words.at(6).find("..");
    domain::ClosedTime time{start_ + length_of(words.at(6).substr(0, dots)),
                            start_ + length_of(words.at(6).substr(dots + 2)),
                            {}};
    if (words.size() > 8) time.every = length_of(words.at(8));
    nodes::CloseNodes wish{{words.at(3), {{words.at(3)}}, {}, {time}, "new disks"}};
    wish.anyway = words.back() == "anyway";
    answer(cluster_.wish(nodes::Command{wish}));
  }

  void reboot(const std::string& node) {
    const auto& known = cluster_.state.nodes.nodes.at({node}).inventory;
    cluster_.report_node(node, static_cast<int>(known.gpus.size()), known.boot_id + "+");
  }

  /// exits 0 | is killed by 11 | reports gpu_fault
  void end_rank(const std::string& job, std::size_t rank, const Words& how) {
    test::End end;
    if (how.at(0) == "exits") {
      end.exit_code = std::stoi(how.at(1));
      end.cause = end.exit_code == 0 ? domain::ExitCause::success : domain::ExitCause::failed;
    } else if (how.at(0) == "reports") {
      const auto cause =
          base::from_json<domain::ExitCause>(boost::json::value(how.at(1)), base::Mode::strict);
      end = {cause.value(), 1, 0};
    } else {
      end = {domain::ExitCause::crashed, 0, std::stoi(how.back())};
    }
    cluster_.end(jobs_.at(job), end, rank);
  }

  void act_on_job(const std::string& job, const Words& words) {
    const JobId id = jobs_.at(job);
    const std::string& verb = words.at(0);
    const bool is_of_user = verb == "extends" || words.back() == "cancelled";
    if (!is_of_user && cluster_.job(id).attempts.empty()) {
      return told_.push_back("no: " + job + " has not started");
    }
    if (verb == "runs") return cluster_.run(id);
    if (verb == "stops") return cluster_.end_all(id, test::kStopped);
    if (verb == "keeps") {
      return cluster_.keep_checkpoint(id, words.at(1), std::stoll(words.at(1).substr(5)));
    }
    if (verb == "extends") {
      jobs::ExtendJob wish{id, length_of(words.at(2)), std::nullopt};
      if (words.size() > 5) wish.max_price = money_of(words.at(5));
      return answer(cluster_.on_jobs(wish));
    }
    if (words.at(1) == "cancelled")
      return answer(cluster_.on_jobs(jobs::CancelJob{id, "not needed"}));
    for (std::size_t rank = 0; rank < cluster_.attempt(id).ranks.size(); ++rank) {
      end_rank(job, rank, words);
    }
  }

  /// at 0m ada bids train: [firmly] reserved 2 x 1 gpus for 60m [within 0m..120m] [at most 5]
  ///   [retries 1]; a name that was used before repeats the command.
  void bid(const Words& words) {
    std::string job = words.at(4);
    job.pop_back();
    test::Ask ask;
    for (std::size_t i = 5; i < words.size(); ++i) read_word(words, i, ask);
    const auto known = wishes_.find(job);
    if (known == wishes_.end()) {
      jobs_[job] = JobId{cluster_.state.jobs.next_job};
      auto spec = test::Cluster::spec(ask, start_);
      wishes_[job] = jobs::MakeBid{{words.at(2)}, {"vision"}, std::move(spec), std::nullopt};
    }
    const std::size_t before = cluster_.log.size();
    answer(cluster_.on_jobs(wishes_.at(job), job));
    if (cluster_.log.size() == before) told_.push_back("nothing new");
  }

  void read_word(const Words& words, std::size_t i, test::Ask& ask) const {
    const std::string& word = words[i];
    const auto next = [&] { return words.at(i + 1); };
    if (word == "reserved") ask.job_class = JobClass::reserved;
    if (word == "eager") ask.job_class = JobClass::eager;
    if (word == "firmly") ask.firm = true;
    if (word == "x") ask.ranks = std::stoi(words.at(i - 1));
    if (word.starts_with("gpu")) ask.gpus = std::stoi(words.at(i - 1));
    if (word == "for") ask.duration = length_of(next());
    if (word == "priority") ask.priority = std::stoi(next());
    if (word == "most") ask.max_price = money_of(next());
    if (word == "retries") ask.max_retries = std::stoi(next());
    if (word == "restart") ask.restart = length_of(next());
    if (word == "elastic") ask.widths = widths_of(next());
    if (word.starts_with("after")) ask.after.push_back({jobs_.at(next()), {}, when(word)});
    if (word == "spread") ask.placement = domain::Placement::spread;
    if (word == "within") {
      const std::size_t dots = next().find("..");
      ask.earliest = length_of(next().substr(0, dots));
      ask.deadline = length_of(next().substr(dots + 2));
    }
  }

  /// 1:1,2:1.9 are one rank and two, which are 1.9 times as fast.
  static domain::Widths widths_of(const std::string& text) {
    domain::Widths widths;
    std::istringstream list(text);
    for (std::string each; std::getline(list, each, ',');) {
      const std::size_t colon = each.find(':');
      const double speed = std::stod(each.substr(colon + 1));
      widths.push_back({std::stoi(each), static_cast<std::int32_t>(std::lround(speed * 1'000))});
    }
    return widths;
  }

  static domain::When when(const std::string& word) {
    if (word == "after-any") return domain::When::any;
    return word == "after-failure" ? domain::When::failure : domain::When::success;
  }

  void answer(const base::Result<>& done) {
    if (!done) told_.push_back("no: " + done.error().message);
  }

  void tell_facts() {
    for (; seen_ < cluster_.log.size(); ++seen_) {
      const Fact& fact = cluster_.log[seen_];
      std::string said = std::visit([&](const auto& event) { return tell(event); }, fact.event);
      if (said.empty()) continue;
      if (fact.at != cluster_.now) said += " at " + text(fact.at);
      told_.push_back(std::move(said));
    }
  }

  template <class Other>
  std::string tell(const Other&) const {
    return {};
  }
  std::string tell(const jobs::BidRefused& fact) const {
    const auto& quota = fact.refusal.quota;
    if (!quota) return "refused: " + name(fact.refusal.reason);
    return fmt::format("refused: {} ({} of {} GPUs{})", name(fact.refusal.reason), quota->used,
                       quota->quota.gpus,
                       quota->room_from ? ", room from " + text(*quota->room_from) : "");
  }
  std::string tell(const jobs::JobAccepted& fact) const {
    if (!fact.offer) return fmt::format("queued for at most {}", text(fact.price));
    return fmt::format("promised {}..{} on {}{} for {}", text(fact.offer->start),
                       text(fact.offer->finish), places(fact.offer->nodes), then(fact.offer->later),
                       text(fact.price));
  }
  std::string then(const era::Pieces& later) const {
    std::string said;
    for (const era::Piece& piece : later) {
      said += fmt::format(" then {}..{} on {}", text(piece.start), text(piece.finish),
                          places(piece.nodes));
    }
    return said;
  }
  std::string tell(const jobs::BookingsMoved& fact) const {
    Words parts;
    for (const auto& move : fact.moves) {
      parts.push_back(fmt::format("{} moves to {}..{} on {}{}", name_of(move.job), text(move.start),
                                  text(move.finish), places(move.nodes), then(move.later)));
    }
    return fmt::format("{} ({})", fmt::join(parts, ", "), fact.why);
  }
  std::string tell(const jobs::BookingLost& fact) const {
    return fmt::format("{} looks for another place", name_of(fact.job));
  }
  std::string tell(const jobs::JobExtended& fact) const {
    return fmt::format("{} goes on for {} more ({})", name_of(fact.job), text(fact.price),
                       fact.why);
  }
  std::string tell(const jobs::AttemptStarted& fact) const {
    std::vector<domain::NodeId> nodes;
    for (const auto& rank : fact.ranks) nodes.push_back(rank.node);
    const std::string from = fact.resume_from.empty() ? "" : " from " + fact.resume_from;
    return fmt::format("{} starts attempt {} on {}{}", name_of(fact.job), fact.attempt,
                       places(nodes), from);
  }
  std::string tell(const jobs::AttemptStopping& fact) const {
    return fmt::format("{} is told to stop ({})", name_of(fact.job), fact.reason);
  }
  std::string tell(const jobs::AttemptEnded& fact) const {
    return fmt::format("attempt {} of {} ended: {}", fact.attempt, name_of(fact.job),
                       name(fact.cause));
  }
  std::string tell(const jobs::JobInterrupted& fact) const {
    if (fact.paused) return fmt::format("{} pauses", name_of(fact.job));
    if (fact.retry_at <= cluster_.now) return fmt::format("{} goes on", name_of(fact.job));
    return fmt::format("{} tries again at {}", name_of(fact.job), text(fact.retry_at));
  }
  std::string tell(const jobs::PromiseBroken& fact) const {
    return fmt::format("the promise to {} is broken", name_of(fact.job));
  }
  std::string tell(const jobs::JobEnded& fact) const {
    return fmt::format("{} is {}: {}", name_of(fact.job), name(fact.state), fact.cause);
  }
  std::string tell(const accounts::MoneyMoved& fact) const {
    if (fact.why == "settle") return fmt::format("pays {}", text(fact.amount));
    if (fact.why == "refund") return fmt::format("gets {} back", text(fact.amount));
    if (fact.why == "penalty") return fmt::format("is paid {} as penalty", text(fact.amount));
    return {};
  }
  std::string tell(const nodes::NodesClosed& fact) const {
    const domain::ClosedTime& time = fact.closure.times.front();
    return fmt::format("{} closes {}..{}", fact.closure.id, text(time.from), text(time.until));
  }
  static std::string tell(const nodes::NodesOpened& fact) { return fact.id + " opens"; }
  std::string tell(const nodes::NodeStateSet& fact) const {
    if (fact.cause == "its agent connected" && cluster_.now == start_) return {};
    return fmt::format("{} is {}", fact.node.value, name(fact.state));
  }

  std::string name_of(JobId job) const {
    for (const auto& [name, id] : jobs_) {
      if (id == job) return name;
    }
    return "?";
  }
  static std::string places(const std::vector<domain::NodeId>& nodes) {
    Words names;
    for (const auto& node : nodes) names.push_back(node.value);
    return fmt::format("{}", fmt::join(names, "+"));
  }
  std::string text(Time time) const { return scenario::text_of(time - start_); }
  static std::string text(Money money) { return scenario::text_of(money); }

  test::Cluster cluster_;
  const Time start_ = cluster_.now;
  std::map<std::string, JobId> jobs_;
  std::map<std::string, jobs::MakeBid> wishes_;
  std::size_t seen_ = 0;
  Words told_;
};

TEST(JobScenarios, GoAsTheyAreWrittenDown) {
  const auto stories = scenario::play("jobs", [] {
    return
        [world = std::make_shared<Scenario>()](const Words& line) { return world->follow(line); };
  });
  for (const auto& story : stories) {
    if (std::getenv("UPDATE") == nullptr) EXPECT_EQ(story.lived, story.written) << story.file;
  }
  EXPECT_GE(stories.size(), 14U) << "scenarios are found through $BERTH_SOURCE_DIR";
}

}  // namespace
}  // namespace ledger
