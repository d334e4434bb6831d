#pragma once
#include <map>
#include <string>

#include "agent/layout.h"
#include "ports/agent_link.h"
#include "ports/runtime.h"

namespace agent {

/// What a launch needs to know of the node.
struct NodeFacts {
  domain::NodeId node;
  std::string address;  ///< Where other nodes reach this one.
  bool has_gpus = false;
  std::string python_dir;                  ///< Folder that holds the package `berth`.
  std::map<std::string, std::string> env;  ///< HOME, USER, LANG, PATH and TZ as the agent has them.
};

/// Renders everything that a rank is started with. Pure.
///
/// `order.resume_from` names a checkpoint that already lies in `place.checkpoints`. The user's
/// variables win over all but BERTH_* and CUDA_VISIBLE_DEVICES: which GPUs a rank has is a promise
/// to others too. PATH and PYTHONPATH of the user are kept behind what Berth puts first.
ports::Launch render(const ports::RankOrder& order, const NodeFacts& facts, const RankPlace& place);

/// Folders that must exist on the node before the rank can start: its environment and its workdir.
/// First what it is, for people, then the path.
std::vector<std::pair<std::string, std::string>> needed_folders(const ports::RankOrder& order);

}  // namespace agent
