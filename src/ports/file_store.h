#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/ids.h"
#include "domain/time.h"

namespace ports {

struct StoredFile {
  std::string path;  ///< Relative to the job, with '/' between folders.
  std::uint64_t bytes = 0;
  domain::Time modified;
  friend bool operator==(const StoredFile&, const StoredFile&) = default;
};

/// Bytes that jobs leave behind: logs, metrics, outputs, checkpoints. What is written is durable
/// after the system's own delay, not at once: the sender keeps what it sent last until `sync`.
///
/// A path is relative, of at most 16 segments of 1 to 255 bytes and 1,024 bytes in all; a segment
/// is neither "." nor "..", and has no byte below 32. Any other path is `invalid_argument` with the
/// field "path", and so is a job below 1 with the field "job".
///
/// Fake: fakes/memory_file_store.h. Real: adapters/files. Every implementation passes
/// tests/contract/file_store_contract_test.cc. Blocking and thread-safe.
class FileStore {
 public:
  virtual ~FileStore() = default;

  /// Writes `bytes` at `offset` and returns the file's size; makes the file and its folders. The
  /// same bytes may be written again. Past the end is `conflict`, whose message says the size.
  /// A full disk is `resource_exhausted`; what was written before it was full stays.
  virtual base::Result<std::uint64_t> write_at(domain::JobId job, std::string_view path,
                                               std::uint64_t offset, std::string_view bytes) = 0;

  /// Empties a file, whose name another one has now; nothing to do if there is none.
  virtual base::Result<> clear(domain::JobId job, std::string_view path) = 0;

  /// Makes everything written to the file so far survive a loss of power.
  virtual base::Result<> sync(domain::JobId job, std::string_view path) = 0;

  /// 0 for a file that does not exist.
  virtual base::Result<std::uint64_t> size(domain::JobId job, std::string_view path) = 0;

  /// At most `most` bytes from `offset` on; fewer at the end, none past it. `not_found` if there is
  /// no such file.
  virtual base::Result<std::string> read(domain::JobId job, std::string_view path,
                                         std::uint64_t offset, std::size_t most) = 0;

  /// Every file of the job, by path; none for an unknown job.
  virtual base::Result<std::vector<StoredFile>> list(domain::JobId job) = 0;

  /// Removes everything of the job; nothing to do for an unknown one.
  virtual base::Result<> remove(domain::JobId job) = 0;

  /// What may still be written, as far as the disk knows.
  virtual base::Result<std::uint64_t> free_bytes() = 0;
};

/// Says whether a file may be called this; every implementation asks this first.
base::Result<> check_name(domain::JobId job, std::string_view path);

}  // namespace ports
