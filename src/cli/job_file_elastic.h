#pragma once
#include "base/result.h"
#include "cli/elastic.h"

namespace YAML {
class Node;
}

namespace cli {

/// Reads what a job file says behind `elastic`: 1..8, or 1:1,2:1.9, or {min: 1, max: 8, speed:
/// 1.9}, or with the speed on each: {speed: {1: 1, 2: 1.9}}.
base::Result<ElasticWish> read_elastic(const YAML::Node& node);

}  // namespace cli
