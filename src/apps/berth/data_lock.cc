#include "apps/berth/data_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace apps {

using base::ErrorCode;

base::Result<DataLock> DataLock::take(const std::string& data_dir) {
  const std::string path = data_dir + "/lock";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return base::fail(ErrorCode::permission_denied, "cannot write in {}", data_dir);
  if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    ::close(file);
    return base::fail(ErrorCode::conflict, "another controller uses {}; is Berth up already?",
                      data_dir);
  }
  return DataLock(file);
}

DataLock::~DataLock() {
  if (file_ >= 0) ::close(file_);
}

}  // namespace apps
