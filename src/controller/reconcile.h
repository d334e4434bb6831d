#pragma once
#include <vector>

#include "ledger/ledger.h"
#include "ports/agent_link.h"

namespace controller {

/// What should be on `node` by the facts: every rank that has a place there and has not ended.
/// O(ranks on the node).
std::vector<ports::RankOrder> wanted(const ledger::State& state, const domain::NodeId& node);

/// An agent's report as a command; a report that says nothing new decides to no facts.
ledger::jobs::ObserveNode observed(const domain::NodeId& node, const ports::Report& report);

/// Nodes on which a fact may have changed what is wanted.
std::vector<domain::NodeId> touched(const ledger::State& state, const ledger::Event& event);

}  // namespace controller
