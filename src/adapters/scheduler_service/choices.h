#pragma once
#include <array>

#include "contracts/era.pb.h"
#include "domain/job.h"
#include "domain/node.h"
#include "era/quote.h"

// Our choices and those of contracts/era.proto, side by side.
namespace adapters::scheduler_service {

namespace wire = ::berth::era::v1;

template <class Ours, class Wire>
struct Choice {
  Ours ours;
  Wire wire;
};

inline constexpr auto kClasses = std::to_array<Choice<domain::JobClass, wire::JobClass>>({
    {domain::JobClass::flex, wire::JOB_CLASS_FLEX},
    {domain::JobClass::reserved, wire::JOB_CLASS_RESERVED},
    {domain::JobClass::eager, wire::JOB_CLASS_EAGER},
});

inline constexpr auto kPlacements = std::to_array<Choice<domain::Placement, wire::Placement>>({
    {domain::Placement::any, wire::PLACEMENT_ANY},
    {domain::Placement::packed, wire::PLACEMENT_PACKED},
    {domain::Placement::spread, wire::PLACEMENT_SPREAD},
});

inline constexpr auto kFrameworks = std::to_array<Choice<domain::Framework, wire::Framework>>({
    {domain::Framework::plain, wire::FRAMEWORK_PLAIN},
    {domain::Framework::pytorch, wire::FRAMEWORK_PYTORCH},
});

using era::RefusalReason;
inline constexpr auto kReasons = std::to_array<Choice<RefusalReason, wire::RefusalReason>>({
    {RefusalReason::no_such_pool, wire::REFUSAL_REASON_NO_SUCH_POOL},
    {RefusalReason::rank_larger_than_node, wire::REFUSAL_REASON_RANK_LARGER_THAN_NODE},
    {RefusalReason::larger_than_pool, wire::REFUSAL_REASON_LARGER_THAN_POOL},
    {RefusalReason::window_too_short, wire::REFUSAL_REASON_WINDOW_TOO_SHORT},
    {RefusalReason::beyond_horizon, wire::REFUSAL_REASON_BEYOND_HORIZON},
    {RefusalReason::no_free_window, wire::REFUSAL_REASON_NO_FREE_WINDOW},
    {RefusalReason::fragmented, wire::REFUSAL_REASON_FRAGMENTED},
    {RefusalReason::not_free_now, wire::REFUSAL_REASON_NOT_FREE_NOW},
    {RefusalReason::too_expensive, wire::REFUSAL_REASON_TOO_EXPENSIVE},
    {RefusalReason::insufficient_funds, wire::REFUSAL_REASON_INSUFFICIENT_FUNDS},
    {RefusalReason::limit_reached, wire::REFUSAL_REASON_LIMIT_REACHED},
    {RefusalReason::no_promised_end, wire::REFUSAL_REASON_NO_PROMISED_END},
    {RefusalReason::refused_together, wire::REFUSAL_REASON_REFUSED_TOGETHER},
});

inline constexpr auto kJobStates = std::to_array<Choice<domain::JobState, wire::JobState>>({
    {domain::JobState::refused, wire::JOB_STATE_REFUSED},
    {domain::JobState::reserved, wire::JOB_STATE_RESERVED},
    {domain::JobState::queued, wire::JOB_STATE_QUEUED},
    {domain::JobState::starting, wire::JOB_STATE_STARTING},
    {domain::JobState::running, wire::JOB_STATE_RUNNING},
    {domain::JobState::interrupted, wire::JOB_STATE_INTERRUPTED},
    {domain::JobState::succeeded, wire::JOB_STATE_SUCCEEDED},
    {domain::JobState::failed, wire::JOB_STATE_FAILED},
    {domain::JobState::cancelled, wire::JOB_STATE_CANCELLED},
    {domain::JobState::expired, wire::JOB_STATE_EXPIRED},
    {domain::JobState::lost, wire::JOB_STATE_LOST},
});

inline constexpr auto kNodeStates = std::to_array<Choice<domain::NodeState, wire::NodeState>>({
    {domain::NodeState::joining, wire::NODE_STATE_JOINING},
    {domain::NodeState::ready, wire::NODE_STATE_READY},
    {domain::NodeState::draining, wire::NODE_STATE_DRAINING},
    {domain::NodeState::maintenance, wire::NODE_STATE_MAINTENANCE},
    {domain::NodeState::down, wire::NODE_STATE_DOWN},
    {domain::NodeState::quarantined, wire::NODE_STATE_QUARANTINED},
    {domain::NodeState::suspended, wire::NODE_STATE_SUSPENDED},
    {domain::NodeState::resuming, wire::NODE_STATE_RESUMING},
});

/// The first value on the wire, "unspecified" or the default, stands for what is in no table.
template <class Ours, class Wire, std::size_t size>
Wire to_wire(const std::array<Choice<Ours, Wire>, size>& table, Ours ours) {
  for (const auto& choice : table) {
    if (choice.ours == ours) return choice.wire;
  }
  return Wire{};
}

template <class Ours, class Wire, std::size_t size>
bool from_wire(const std::array<Choice<Ours, Wire>, size>& table, Wire from, Ours& to) {
  for (const auto& choice : table) {
    if (choice.wire != from) continue;
    to = choice.ours;
    return true;
  }
  return false;
}

}  // namespace adapters::scheduler_service
