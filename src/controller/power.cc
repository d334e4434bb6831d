#include "controller/power.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "base/check.h"

namespace controller {
namespace {

using domain::Duration;
using domain::NodeState;
using domain::Time;
using ledger::nodes::Node;

constexpr Duration kFirstWait = domain::kSecond * 30;
constexpr std::int32_t kMostDoublings = 4;
/// A machine that was still going off may have missed that it is to come up.
constexpr Duration kOnAgain = domain::kMinute * 2;

bool is_switched(const Node& node) {
  return node.state == NodeState::resuming || node.state == NodeState::suspended;
}

Duration wait_after(std::int32_t failed) {
  return kFirstWait * (1 << std::min(failed - 1, kMostDoublings));
}

}  // namespace

void Power::see(const Node& node, Time now) {
  const bool resume = node.state == NodeState::resuming;
  const auto [entry, is_new] = known_.try_emplace(node.name);
  Known& known = entry->second;
  if (!is_new && known.resume == resume && known.since == node.since) return;
  known = {resume, node.since, now, 0, known.is_asked, known.is_asked};
  failures_.erase(node.name);
}

/// Drops nodes in other states. An unanswered ask stays known, so that it stays the only one.
void Power::forget_others(const ledger::State& state) {
  for (auto entry = known_.begin(); entry != known_.end();) {
    auto& [id, known] = *entry;
    const auto node = state.nodes.nodes.find(id);
    if (node != state.nodes.nodes.end() && is_switched(node->second)) {
      ++entry;
      continue;
    }
    failures_.erase(id);
    known.since = domain::kNever;
    known.next = domain::kNever;
    known.has_moved = true;
    entry = known.is_asked ? std::next(entry) : known_.erase(entry);
  }
}

std::vector<PowerAsk> Power::due(const ledger::State& state, Time now) {
  for (const auto& [id, node] : state.nodes.nodes) {
    if (is_switched(node)) see(node, now);
  }
  forget_others(state);
  std::vector<std::pair<const domain::NodeId*, Known*>> waiting;
  for (auto& [id, known] : known_) {
    if (!known.is_asked && known.next <= now) waiting.emplace_back(&id, &known);
  }
  std::ranges::stable_sort(waiting, {}, [](const auto& entry) {
    return std::tuple(!entry.second->resume, entry.second->next);
  });
  std::vector<PowerAsk> asks;
  for (const auto& [id, known] : waiting) {
    if (asked_ >= kMostAtOnce) break;
    known->is_asked = true;
    ++asked_;
    asks.push_back({*id, known->resume});
  }
  return asks;
}

void Power::answered(const PowerAsk& ask, const base::Result<>& done, Time now) {
  const auto entry = known_.find(ask.node);
  CHECK(entry != known_.end() && entry->second.is_asked, "what is answered was asked for");
  Known& known = entry->second;
  known.is_asked = false;
  --asked_;
  if (std::exchange(known.has_moved, false)) return;
  if (done) {
    known.next = known.resume ? now + kOnAgain : domain::kNever;
    failures_.erase(ask.node);
    return;
  }
  known.next = now + wait_after(++known.failed);
  failures_.insert_or_assign(ask.node, done.error().message);
}

}  // namespace controller
