#include "adapters/process/lease_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace adapters::process {

using base::ErrorCode;
using base::Result;

Result<LeaseFile> LeaseFile::open(const std::string& path) {
  if (path.empty()) return LeaseFile(path, Descriptor());
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return base::fail(ErrorCode::unavailable, "open {}: {}", path, strerror(errno));
  LeaseFile opened(path, std::move(file));
  opened.lock();
  return opened;
}

/// A lock of the open file, so that it goes with this process and with nothing before. Where an
/// agent that ends still has it, it is taken with a later write.
void LeaseFile::lock() {
  struct flock whole{};
  whole.l_type = F_WRLCK;
  if (!locked_) locked_ = fcntl(file_.get(), F_OFD_SETLK, &whole) == 0;
}

Result<> LeaseFile::write(const shim::LeaseRecord& record) {
  if (!file_) return {};
  lock();
  const ssize_t written = pwrite(file_.get(), &record, sizeof record, 0);
  if (std::cmp_not_equal(written, sizeof record)) {
    return base::fail(ErrorCode::unavailable, "write {}: {}", path_,
                      strerror(written < 0 ? errno : ENOSPC));
  }
  written_ = record;
  return {};
}

}  // namespace adapters::process
