#include "adapters/agent_disk/disk_rank_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

namespace adapters::agent_disk {
namespace {

using base::ErrorCode;
using base::Result;
namespace fs = std::filesystem;

std::unexpected<base::Error> failure(const std::string& path, int number) {
  ErrorCode code = ErrorCode::unavailable;
  if (number == ENOENT || number == ENOTDIR || number == ELOOP) code = ErrorCode::not_found;
  if (number == ENOSPC || number == EDQUOT) code = ErrorCode::resource_exhausted;
  if (number == EACCES || number == EPERM) code = ErrorCode::permission_denied;
  return base::fail(code, "{}: {}", path, std::strerror(number));
}

/// An open file that closes itself.
class Descriptor {
 public:
  Descriptor(const std::string& path, int flags)
      : number_(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644)) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }

 private:
  int number_;
};

Result<> write_all(int file, const std::string& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failure(path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

bool is_plain_file(const std::string& path, struct stat& facts) {
  return ::lstat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode);
}

Result<> remove_entry(const fs::path& path) {
  if (::unlink(path.c_str()) == 0) return {};
  std::error_code error;
  fs::remove_all(path, error);
  if (error) return failure(path.string(), error.value());
  return {};
}

/// Removes what lies in a folder but for what has one of these names.
Result<> remove_entries(const std::string& folder, const std::vector<std::string>& kept) {
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (std::ranges::find(kept, at->path().filename().string()) != kept.end()) continue;
    if (auto removed = remove_entry(at->path()); !removed) return removed;
  }
  if (error) return failure(folder, error.value());
  return {};
}

/// True if the path is now an empty plain file of ours that has no other name.
bool cut_to_nothing(const std::string& path) {
  struct stat facts{};
  const bool is_ours = is_plain_file(path, facts) && facts.st_nlink == 1 &&
                       facts.st_uid == ::geteuid() && (facts.st_mode & 07777) == 0644;
  return is_ours && (facts.st_size == 0 || ::truncate(path.c_str(), 0) == 0);
}

/// True for a folder that its user, who is ours, may use in every way.
bool is_as_made(const std::string& path) {
  constexpr mode_t kSpecial = S_ISUID | S_ISGID | S_ISVTX;
  struct stat facts{};
  return ::lstat(path.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode) &&
         facts.st_uid == ::geteuid() && (facts.st_mode & (S_IRWXU | kSpecial)) == S_IRWXU;
}

}  // namespace

Result<> DiskRankFiles::make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), S_IRWXU) == 0) return {};
  const int error = errno;
  std::error_code unknown;
  if (error == EEXIST && fs::is_directory(path, unknown)) return {};
  const std::string above = fs::path(path).parent_path().string();
  if (error != ENOENT || above.empty() || above == path) return failure(path, error);
  if (auto made = make_folder(above); !made) return made;
  const bool is_there = ::mkdir(path.c_str(), S_IRWXU) == 0 || errno == EEXIST;
  return is_there ? Result<>() : failure(path, errno);
}

bool DiskRankFiles::exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Result<std::uint64_t> DiskRankFiles::size(const std::string& path) {
  struct stat facts{};
  if (is_plain_file(path, facts)) return static_cast<std::uint64_t>(facts.st_size);
  return base::fail(ErrorCode::not_found, "{}: no such file", path);
}

Result<std::string> DiskRankFiles::read(const std::string& path, std::uint64_t offset,
                                        std::size_t most) {
  const Descriptor file(path, O_RDONLY);
  if (file.get() < 0) return failure(path, errno);
  struct stat facts{};
  if (::fstat(file.get(), &facts) != 0) return failure(path, errno);
  if (!S_ISREG(facts.st_mode)) return base::fail(ErrorCode::not_found, "{}: not a file", path);
  const auto size = static_cast<std::uint64_t>(facts.st_size);
  if (offset >= size) return std::string();
  std::string bytes(static_cast<std::size_t>(std::min<std::uint64_t>(most, size - offset)), '\0');
  std::size_t got = 0;
  while (got < bytes.size()) {
    const ssize_t count = ::pread(file.get(), bytes.data() + got, bytes.size() - got,
                                  static_cast<off_t>(offset + got));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failure(path, errno);
    if (count == 0) break;
    got += static_cast<std::size_t>(count);
  }
  bytes.resize(got);
  return bytes;
}

Result<> DiskRankFiles::append(const std::string& path, std::string_view bytes) {
  const Descriptor file(path, O_WRONLY | O_CREAT | O_APPEND);
  if (file.get() < 0) return failure(path, errno);
  return write_all(file.get(), path, bytes);
}

Result<> DiskRankFiles::replace(const std::string& path, std::string_view bytes) {
  const std::string fresh = path + ".new";
  {
    const Descriptor file(fresh, O_WRONLY | O_CREAT | O_TRUNC);
    if (file.get() < 0) return failure(fresh, errno);
    if (auto written = write_all(file.get(), fresh, bytes); !written) return written;
  }
  if (std::rename(fresh.c_str(), path.c_str()) != 0) return failure(path, errno);
  return {};
}

Result<std::vector<ports::FileEntry>> DiskRankFiles::list(const std::string& folder,
                                                          ports::ListLimits limits) {
  std::vector<ports::FileEntry> entries;
  std::error_code error;
  fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, error);
  if (error.value() == ENOENT || error.value() == ENOTDIR) return entries;
  if (error) return failure(folder, error.value());
  for (; at != fs::recursive_directory_iterator(); at.increment(error)) {
    if (entries.size() == limits.files) break;
    const std::string path = at->path().string();
    struct stat facts{};
    if (is_plain_file(path, facts)) {
      entries.push_back({at->path().lexically_relative(folder).string(),
                         static_cast<std::uint64_t>(facts.st_size)});
    }
    if (at.depth() + 1 >= limits.depth) at.disable_recursion_pending();
  }
  if (error) return failure(folder, error.value());
  std::ranges::sort(entries, {}, &ports::FileEntry::path);
  return entries;
}

Result<std::vector<std::string>> DiskRankFiles::folders(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator at(folder, error);
  if (error.value() == ENOENT || error.value() == ENOTDIR) return names;
  if (error) return failure(folder, error.value());
  for (; at != fs::directory_iterator(); at.increment(error)) {
    std::error_code unknown;
    const bool is_folder = at->symlink_status(unknown).type() == fs::file_type::directory;
    if (is_folder) names.push_back(at->path().filename().string());
  }
  if (error) return failure(folder, error.value());
  std::ranges::sort(names);
  return names;
}

Result<> DiskRankFiles::empty_folder(const std::string& folder,
                                     const std::vector<std::string>& subfolders,
                                     const std::string& file) {
  if (!is_as_made(folder)) return base::fail(ErrorCode::conflict, "{} was changed", folder);
  std::vector<std::string> kept = subfolders;
  if (cut_to_nothing(folder + "/" + file)) kept.push_back(file);
  if (auto emptied = remove_entries(folder, kept); !emptied) return emptied;
  for (const std::string& name : subfolders) {
    const std::string path = folder + "/" + name;
    if (!is_as_made(path)) return base::fail(ErrorCode::conflict, "{} was changed", path);
    if (auto emptied = remove_entries(path, {}); !emptied) return emptied;
  }
  return {};
}

Result<> DiskRankFiles::rename(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) return failure(from, errno);
  return {};
}

Result<> DiskRankFiles::remove(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) return failure(path, error.value());
  return {};
}

}  // namespace adapters::agent_disk
