#pragma once
#include <cstdint>
#include <string>

#include "adapters/process/descriptor.h"
#include "base/result.h"
#include "shim/rank_folder.h"

namespace adapters::process {

/// The file by which an agent's ranks know how long they may live without it; see
/// shim::LeaseRecord. While this exists the file is locked, which tells shims that the agent lives.
/// It is written in place, without fsync: no shim outlives a loss of power.
class LeaseFile {
 public:
  /// Makes the file if need be. What an earlier agent wrote stays until `write`. An empty path is
  /// no file: nothing has a lease.
  static base::Result<LeaseFile> open(const std::string& path);

  /// Writes what holds from now on; after an error the earlier record holds.
  base::Result<> write(const shim::LeaseRecord& record);

  /// The record that this wrote last; zeros before the first.
  const shim::LeaseRecord& written() const { return written_; }
  const std::string& path() const { return path_; }

 private:
  LeaseFile(std::string path, Descriptor file) : path_(std::move(path)), file_(std::move(file)) {}
  void lock();

  std::string path_;
  Descriptor file_;
  bool locked_ = false;
  shim::LeaseRecord written_;
};

}  // namespace adapters::process
