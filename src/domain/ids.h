#pragma once
#include <cstdint>

#include "base/strong.h"

namespace domain {

/// Jobs are numbered from 1 in the order they are bid, accepted or not.
using JobId = base::Id<struct JobIdTag, std::int64_t>;
using NodeId = base::Id<struct NodeIdTag>;  ///< The node's name, unique in the cluster.
using PoolId = base::Id<struct PoolIdTag>;
using UserId = base::Id<struct UserIdTag>;
using TeamId = base::Id<struct TeamIdTag>;
using QuoteId = base::Id<struct QuoteIdTag>;
/// Chosen by the caller; the same id again gets the same answer and changes nothing.
using CommandId = base::Id<struct CommandIdTag>;

}  // namespace domain
