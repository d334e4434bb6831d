#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace agent {

inline constexpr const char* kManifest = "MANIFEST.json";

/// What a complete checkpoint says of itself; written by `import berth`.
struct Manifest {
  struct File {
    std::uint64_t bytes = 0;
    std::string sha256;  ///< Hexadecimal.
  };
  std::int64_t step = 0;
  std::int32_t pieces = 1;            ///< 1, or how many ranks each wrote a piece of their own.
  std::map<std::string, File> files;  ///< By relative path.
};

/// Fails with `data_loss` for what is no manifest, also for a file name that leads out of the
/// folder.
base::Result<Manifest> decode_manifest(std::string_view text);

/// A checkpoint's folder name, taken apart: "step-00000120" or "step-00000120-rank-00003".
struct CheckpointName {
  std::int64_t step = 0;
  std::int32_t piece = 0;
};
std::optional<CheckpointName> parse_checkpoint_name(std::string_view name);

/// Name of another rank's piece of the checkpoint `name`; piece 0 is the checkpoint itself.
std::string piece_name(const std::string& name, std::int32_t piece);

}  // namespace agent
