#pragma once
#include <functional>
#include <string>
#include <vector>

#include "scenario/text.h"

namespace scenario {

/// What follows from a line, in words; empty if nothing is to be said.
using Follow = std::function<std::string(const Words& line)>;

/// One story: as it is written, and as it was lived.
struct Story {
  std::string file;
  std::string written;
  std::string lived;
};

/// Lives through every story of `folder` below tests/scenarios, which is found through
/// $BERTH_SOURCE_DIR; `begin` makes a new world for each. Where $UPDATE is set, the stories are
/// written as they were lived.
std::vector<Story> play(const std::string& folder, const std::function<Follow()>& begin);

}  // namespace scenario
