#include "replay/cluster.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "replay/trace.h"

namespace replay {
namespace {

constexpr std::int64_t kMostGpus = 1'024;  ///< On one node.
constexpr std::size_t kMostNodes = 100'000;

/// Where one of two names stands in the first line; its end if neither does.
std::size_t place_of(const std::vector<std::string_view>& header, std::string_view name,
                     std::string_view other) {
  const auto is_it = [&](std::string_view each) { return each == name || each == other; };
  return static_cast<std::size_t>(std::find_if(header.begin(), header.end(), is_it) -
                                  header.begin());
}

base::Result<NodeSize> read_node(const std::vector<std::string_view>& cells, std::size_t name,
                                 std::size_t gpus) {
  if (std::max(name, gpus) >= cells.size()) return base::invalid("nodes", "the line is too short");
  const auto count = whole_number(cells[gpus]);
  if (!count || *count < 0 || *count > kMostGpus)
    return base::invalid("gpus", "gpus: \"{}\" is not from 0 to {}", cells[gpus].substr(0, 40),
                         kMostGpus);
  if (cells[name].empty()) return base::invalid("name", "name: a node has one");
  return NodeSize{std::string(cells[name]), static_cast<std::int32_t>(*count)};
}

}  // namespace

base::Result<std::vector<NodeSize>> parse_nodes(std::string_view text) {
  const auto header = cells_of(take_line(text));
  const std::size_t name = place_of(header, "name", "sn");
  const std::size_t gpus = place_of(header, "gpus", "gpu");
  if (std::max(name, gpus) >= header.size())
    return base::invalid("nodes", "line 1: the columns \"name\" and \"gpus\" are expected");
  std::vector<NodeSize> nodes;
  std::set<std::string> names;
  for (std::int64_t number = 2; !text.empty(); ++number) {
    const std::string_view line = take_line(text);
    if (line.empty()) continue;
    auto node = read_node(cells_of(line), name, gpus);
    const std::string where = "line " + std::to_string(number);
    if (!node) return std::unexpected(std::move(node).error().while_doing(where));
    if (node->gpus == 0) continue;
    if (!names.insert(node->name).second || nodes.size() == kMostNodes)
      return base::invalid("name", "{}: name: \"{}\" is there twice, or there are too many", where,
                           node->name);
    nodes.push_back(*std::move(node));
  }
  if (nodes.empty()) return base::invalid("nodes", "no node has GPUs");
  return nodes;
}

std::int32_t gpus_of(const std::vector<NodeSize>& nodes) {
  return std::accumulate(nodes.begin(), nodes.end(), 0,
                         [](std::int32_t sum, const NodeSize& node) { return sum + node.gpus; });
}

}  // namespace replay
