#pragma once
#include <cstdint>
#include <string>
#include <variant>

#include "ledger/access/access.h"
#include "ledger/accounts/accounts.h"
#include "ledger/demand/demand.h"
#include "ledger/jobs/facts.h"
#include "ledger/limits/limits.h"
#include "ledger/nodes/nodes.h"

namespace ledger {

/// The first fact of every log: which cluster this is.
struct ClusterCreated {
  std::string cluster;  ///< Random; agents and clients tell clusters apart by it.
  /// A trial: how many of its seconds pass in one. The times of all facts are by its own clock.
  std::int32_t time_scale = 1;
};
BOOST_DESCRIBE_STRUCT(ClusterCreated, (), (cluster, time_scale))

/// Counted up whenever the encoded state gets other members, or facts other effects, as
/// tests/history will tell: hashes and snapshots of another layout are not comparable, and are
/// passed over.
inline constexpr std::int32_t kStateLayout = 8;

/// hash(state) after the facts before this one; checked on replay by releases of the same layout.
struct StateHashed {
  std::uint64_t hash = 0;
  std::int32_t layout = 0;
};
BOOST_DESCRIBE_STRUCT(StateHashed, (), (hash, layout))

/// A fact of any area. What each one means never changes; members are only added.
using Event = std::variant<
    ClusterCreated, StateHashed, access::TeamCreated, access::UserCreated, access::UserChanged,
    access::TokenIssued, access::TokenRevoked, access::JoinTokenIssued, access::JoinTokenRevoked,
    accounts::MoneyMoved, accounts::PricesSet, nodes::NodeJoined, nodes::NodeReported,
    nodes::NodeStateSet, nodes::NodeRemoved, nodes::NodesClosed, nodes::NodesOpened,
    nodes::NodePowerSet, jobs::BidRefused, jobs::JobAccepted, jobs::BookingsMoved,
    jobs::BookingLost, jobs::JobExtended, jobs::AttemptStarted, jobs::RankStarted, jobs::RankEnded,
    jobs::AttemptStopping, jobs::AttemptEnded, jobs::JobInterrupted, jobs::CheckpointKept,
    jobs::PromiseBroken, jobs::QueueMoved, jobs::JobEnded, demand::ForecastMade,
    limits::FairnessSet, limits::ShareSet, limits::QuotaSet, limits::QuotaRemoved>;

/// A fact as it is kept: what happened, when, and who wished for it.
struct Fact {
  domain::Time at;
  domain::UserId by;          ///< Empty: Berth itself.
  domain::CommandId command;  ///< Empty: it followed from the state.
  Event event;
};

/// One line of JSON, stable and readable.
std::string encode(const Fact& fact);
/// Fails with `data_loss` for what no release has written.
base::Result<Fact> decode(std::string_view text);
/// The fact's name as it stands in the log, such as "JobAccepted".
std::string_view type_of(const Event& event);

}  // namespace ledger
