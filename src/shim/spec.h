#pragma once
#include <cstdint>

#include "shim/rank_folder.h"

namespace shim {

/// What went wrong before the command ran.
struct Failure {
  Step step = Step::none;
  int error = 0;
};

/// What to run, pointing into the bytes of the rank's file; see kSpecAt.
struct Spec {
  const char* program = nullptr;
  const char* workdir = nullptr;
  const char* log_path = nullptr;
  char** zeros = nullptr;
  const char* unified_cgroup = nullptr;
  const char* lease_path = nullptr;
  std::int64_t kill_at_ms = 0;
  std::int64_t longest_grace_ms = 0;
  std::int64_t grace_ms = 0;
  char** argv = nullptr;
  char** envp = nullptr;
};

/// Reads the spec from the rank's file.
Failure read_spec(Spec& spec);

}  // namespace shim
