#pragma once
#include <string>
#include <utility>

#include "base/result.h"

namespace apps {

/// Holds a data folder for one controller: the lock goes with the process.
class DataLock {
 public:
  /// Fails with `permission_denied`, or with `conflict` while another controller holds it.
  static base::Result<DataLock> take(const std::string& data_dir);
  DataLock(DataLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  DataLock& operator=(DataLock&&) = delete;
  ~DataLock();

 private:
  explicit DataLock(int file) : file_(file) {}
  int file_;
};

}  // namespace apps
