#pragma once
#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/result.h"

namespace adapters::system {

/// Replaces the file at `path` by `bytes`, with exactly the permissions `mode`. After a crash the
/// file is the old or the new one, never a part; durable when it returns. Fails with `not_found`
/// (no such folder), `permission_denied`, `resource_exhausted` (disk full) or `unavailable`.
base::Result<> write_file_atomically(const std::string& path, std::string_view bytes, mode_t mode);

/// Reads a whole file. Fails with `not_found`, `permission_denied` or `unavailable`.
base::Result<std::string> read_file(const std::string& path);

/// Fails with `permission_denied` if anybody but the owner may read or write the file.
base::Result<> check_private(const std::string& path);

}  // namespace adapters::system
