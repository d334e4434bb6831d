#include "adapters/system/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "adapters/system/secrets.h"

namespace adapters::system {
namespace {

using base::ErrorCode;

std::unexpected<base::Error> failure(std::string_view doing, const std::string& path) {
  const int number = errno;
  ErrorCode code = ErrorCode::unavailable;
  if (number == ENOENT || number == ENOTDIR) code = ErrorCode::not_found;
  if (number == EACCES || number == EPERM || number == EROFS) code = ErrorCode::permission_denied;
  if (number == ENOSPC || number == EDQUOT || number == EMFILE) {
    code = ErrorCode::resource_exhausted;
  }
  return base::fail(code, "{} {}: {}", doing, path, std::generic_category().message(number));
}

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }

 private:
  int number_;
};

bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

base::Result<> write_durably(const std::string& path, std::string_view bytes, mode_t mode) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (file.get() < 0) return failure("create", path);
  // The mode given to open is cut by the umask.
  if (::fchmod(file.get(), mode) != 0) return failure("set permissions of", path);
  if (!write_all(file.get(), bytes)) return failure("write", path);
  if (::fsync(file.get()) != 0) return failure("sync", path);
  return {};
}

}  // namespace

base::Result<> write_file_atomically(const std::string& path, std::string_view bytes, mode_t mode) {
  const std::filesystem::path target(path);
  const std::string folder = target.has_parent_path() ? target.parent_path().string() : ".";
  const std::string draft = folder + "/." + target.filename().string() + "." + random_id();
  base::Result<> done = write_durably(draft, bytes, mode);
  if (done && ::rename(draft.c_str(), path.c_str()) != 0) done = failure("rename to", path);
  if (!done) {
    ::unlink(draft.c_str());
    return done;
  }
  const Descriptor parent(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent.get() < 0 || ::fsync(parent.get()) != 0) return failure("sync folder", folder);
  return {};
}

base::Result<std::string> read_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return failure("open", path);
  std::string bytes;
  std::array<char, 16'384> chunk{};
  while (true) {
    const ssize_t got = ::read(file.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure("read", path);
    if (got == 0) return bytes;
    bytes.append(chunk.data(), static_cast<std::size_t>(got));
  }
}

base::Result<> check_private(const std::string& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) return failure("look at", path);
  if ((found.st_mode & 077U) != 0) {
    return base::fail(ErrorCode::permission_denied,
                      "{} is open to others (mode {:04o}); run: chmod 600 {}", path,
                      found.st_mode & 07777U, path);
  }
  return {};
}

}  // namespace adapters::system
