#pragma once
#include <boost/describe/class.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/ids.h"
#include "ports/file_store.h"

namespace api {

inline constexpr std::string_view kSamples = "samples.jsonl";

struct GpuSample {
  std::string uuid;
  std::int32_t permille = 0;
  std::int64_t memory_bytes = 0;
};
BOOST_DESCRIBE_STRUCT(GpuSample, (), (uuid, permille, memory_bytes))

/// What a rank used; counters are since its start.
struct Sample {
  std::int64_t t = 0;
  std::int64_t cpu_ms = 0;
  std::int64_t memory_bytes = 0;
  std::int64_t read_bytes = 0;
  std::int64_t write_bytes = 0;
  std::vector<GpuSample> gpus;
};
BOOST_DESCRIBE_STRUCT(Sample, (), (t, cpu_ms, memory_bytes, read_bytes, write_bytes, gpus))

/// The newest samples in a rank's file, from `most_bytes` before its end on. Reads files.
base::Result<std::vector<Sample>> samples_of(ports::FileStore& files, domain::JobId job,
                                             const std::string& name, std::uint64_t most_bytes);

}  // namespace api
