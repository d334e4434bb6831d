#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/node.h"

namespace adapters::nvml {

/// Load of one GPU at a moment.
struct GpuSample {
  std::int32_t permille = 0;
  std::int64_t memory_bytes = 0;
};

/// The NVIDIA GPUs of this machine, asked through the driver's own library, which is loaded when
/// the program runs. A machine without it has no GPUs; that is no error.
///
/// Call it from one thread.
class Nvml {
 public:
  /// `library` is a file name for the dynamic loader.
  static std::unique_ptr<Nvml> open(const std::string& library = "libnvidia-ml.so.1");
  ~Nvml();

  /// In the driver's order. A GPU that the driver cannot ask is listed with its fault as `health`,
  /// and so is, behind the others, one that it no longer lists.
  std::vector<domain::Gpu> inventory();
  /// In the same order; zeros for a GPU that does not answer.
  std::vector<GpuSample> sample();

 private:
  class Library;
  explicit Nvml(std::unique_ptr<Library> library);
  domain::Gpu as_known(std::size_t place, domain::Gpu silent) const;

  std::unique_ptr<Library> library_;  ///< Null: there is none.
  std::vector<domain::Gpu> known_;    ///< What the last inventory said.
};

/// Shortens a marketing name: "NVIDIA A100-SXM4-80GB" is an "A100", "NVIDIA GeForce RTX 4090" an
/// "RTX4090", "Tesla V100-PCIE-16GB" a "V100". Pure.
std::string short_model(std::string_view name);

/// Reads "A100:8" or "A100:4,V100:4": simulated GPUs with the UUIDs SIM-A100-0, SIM-A100-1 and so
/// on Fails with `invalid_argument`, field "simulated_gpus". At most 64 in all.
base::Result<std::vector<domain::Gpu>> parse_simulated_gpus(std::string_view text);

}  // namespace adapters::nvml
