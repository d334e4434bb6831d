#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "adapters/nvml/nvml.h"

namespace adapters::nvml {
namespace {

constexpr std::size_t kMostSimulated = 64;
constexpr std::int64_t kGiB = std::int64_t{1} << 30;

/// Memory and compute capability of models that people like to simulate.
struct Model {
  std::string_view name;
  std::int64_t memory_gib;
  std::string_view capability;
};
constexpr auto kModels = std::to_array<Model>({
    {"V100", 16, "7.0"},
    {"T4", 16, "7.5"},
    {"A100", 80, "8.0"},
    {"A10", 24, "8.6"},
    {"RTX3090", 24, "8.6"},
    {"RTX4090", 24, "8.9"},
    {"L4", 24, "8.9"},
    {"L40S", 48, "8.9"},
    {"H100", 80, "9.0"},
    {"H200", 141, "9.0"},
    {"B200", 180, "10.0"},
});
constexpr Model kUnknownModel{"", 16, "8.0"};

/// Words that say who made it or how it is built, not what it is.
constexpr auto kNoise = std::to_array<std::string_view>({"NVIDIA", "Tesla", "GeForce", "Quadro"});

bool is_model_letter(char letter) {
  return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_' || letter == '-';
}

base::Result<> add(std::string_view group, std::vector<domain::Gpu>& gpus) {
  const std::size_t colon = group.find(':');
  const std::string_view name = group.substr(0, colon);
  const std::string_view digits = colon == group.npos ? "1" : group.substr(colon + 1);
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  const bool is_whole = error == std::errc{} && end == digits.data() + digits.size();
  if (name.empty() || !std::ranges::all_of(name, is_model_letter) || !is_whole || count == 0) {
    return base::invalid("simulated_gpus", "expected MODEL:COUNT such as A100:8, got '{}'", group);
  }
  if (count > kMostSimulated - gpus.size()) {
    return base::invalid("simulated_gpus", "a node has at most {} simulated GPUs", kMostSimulated);
  }
  const auto known = std::ranges::find(kModels, name, &Model::name);
  const Model& model = known == kModels.end() ? kUnknownModel : *known;
  for (std::size_t number = 0; number < count; ++number) {
    gpus.push_back({.uuid = fmt::format("SIM-{}-{}", name, number),
                    .model = std::string(name),
                    .memory_bytes = model.memory_gib * kGiB,
                    .driver = "simulated",
                    .compute_capability = std::string(model.capability)});
  }
  return {};
}

}  // namespace

std::string short_model(std::string_view name) {
  std::string model;
  while (!name.empty()) {
    const std::size_t end = std::min(name.find(' '), name.size());
    const std::string_view word = name.substr(0, end);
    name.remove_prefix(std::min(end + 1, name.size()));
    if (std::ranges::find(kNoise, word) != kNoise.end()) continue;
    const std::string_view core = word.substr(0, word.find('-'));
    const bool belongs_to_it = model == "RTX" || model == "GTX" || model == "TITAN";
    if (model.empty() || belongs_to_it) {
      model += core;
    } else if (word == "Ti" || word == "SUPER") {
      model += word;
    } else {
      break;
    }
  }
  return model;
}

base::Result<std::vector<domain::Gpu>> parse_simulated_gpus(std::string_view text) {
  std::vector<domain::Gpu> gpus;
  if (text.empty()) return gpus;
  while (true) {
    const std::size_t comma = text.find(',');
    if (auto added = add(text.substr(0, comma), gpus); !added) return base::pass(added);
    if (comma == text.npos) break;
    text.remove_prefix(comma + 1);
  }
  for (std::size_t at = 0; at < gpus.size(); ++at) {
    for (std::size_t other = at + 1; other < gpus.size(); ++other) {
      if (gpus[at].uuid != gpus[other].uuid) continue;
      return base::invalid("simulated_gpus", "{} is named twice", gpus[at].model);
    }
  }
  return gpus;
}

}  // namespace adapters::nvml
