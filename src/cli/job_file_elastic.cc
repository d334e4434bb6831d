#include "cli/job_file_elastic.h"

#include <fmt/ranges.h>
#include <yaml-cpp/yaml.h>

#include <array>

#include "cli/amounts.h"
#include "cli/nearest.h"

namespace cli {
namespace {

constexpr std::int32_t kMostRanks = 100'000;
constexpr std::array<std::string_view, 3> kKnown{"min", "max", "speed"};

base::Result<std::string> scalar(const YAML::Node& node) {
  if (!node.IsScalar()) return base::invalid("", "expected one value");
  return node.Scalar();
}

base::Result<> read_ranks(const std::string& text, std::optional<std::int32_t>& to) {
  auto ranks = parse_whole(text, 1, kMostRanks);
  if (!ranks) return base::pass(ranks);
  to = *ranks;
  return {};
}

base::Result<> read_speeds(const YAML::Node& node, ElasticWish& wish) {
  for (const auto& entry : node) {
    auto ranks = scalar(entry.first);
    auto speed = scalar(entry.second);
    if (!ranks || !speed) return base::invalid("", "expected {{1: 1, 2: 1.9, 4: 3.5}}");
    if (auto good = add_speed(wish, *ranks, *speed); !good) return good;
  }
  return {};
}

base::Result<> read_entry(const std::string& name, const YAML::Node& value, ElasticWish& wish) {
  if (std::ranges::find(kKnown, name) == kKnown.end()) {
    const std::string_view near = nearest(name, kKnown);
    return near.empty()
               ? base::invalid("", "unknown key '{}'; known are {}", name, fmt::join(kKnown, ", "))
               : base::invalid("", "unknown key '{}'; did you mean '{}'?", name, near);
  }
  if (name == "speed" && value.IsMap()) return read_speeds(value, wish);
  auto text = scalar(value);
  if (!text) return base::pass(text);
  if (name == "min") return read_ranks(*text, wish.min);
  if (name == "max") return read_ranks(*text, wish.max);
  auto doubling = parse_doubling(*text);
  if (!doubling) return base::pass(doubling);
  wish.doubling = *doubling;
  return {};
}

}  // namespace

base::Result<ElasticWish> read_elastic(const YAML::Node& node) {
  if (node.IsScalar()) return parse_elastic(node.Scalar());
  if (!node.IsMap()) return base::invalid("", "expected 1..8 or {{min: 1, max: 8, speed: 1.9}}");
  ElasticWish wish;
  for (const auto& entry : node) {
    auto name = scalar(entry.first);
    if (!name) return base::pass(name);
    if (auto good = read_entry(*name, entry.second, wish); !good) return base::pass(good);
  }
  return wish;
}

}  // namespace cli
