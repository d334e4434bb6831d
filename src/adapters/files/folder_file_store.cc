#include "adapters/files/folder_file_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace adapters::files {

using base::ErrorCode;
using base::Result;
using File = std::shared_ptr<Descriptor>;
namespace filesystem = std::filesystem;

namespace {

std::string folder_of(domain::JobId job) {
  return fmt::format("{}/{}", job.value / 1000, job.value);
}

std::unexpected<base::Error> failure(int error, std::string_view doing, std::string_view path) {
  const std::string why = std::generic_category().message(error);
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return base::fail(ErrorCode::resource_exhausted,
                        "cannot {} {}: the disk of the file store is full", doing, path);
    case EMFILE:
    case ENFILE:
      return base::fail(ErrorCode::resource_exhausted, "cannot {} {}: {}", doing, path, why);
    case ENOENT:
      return base::fail(ErrorCode::not_found, "there is no file {}", path);
    case ELOOP:
      return base::invalid("path", "{} leads over a link", path);
    case ENOTDIR:
      return base::invalid("path", "{} leads over what is not a folder", path);
    case EISDIR:
      return base::invalid("path", "{} is a folder", path);
    case EACCES:
    case EPERM:
    case EROFS:
      return base::fail(ErrorCode::permission_denied, "cannot {} {}: {}", doing, path, why);
    default:
      return base::fail(ErrorCode::unavailable, "cannot {} {}: {}", doing, path, why);
  }
}

int open_folder(int parent, const std::string& name) {
  return ::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/// O_NONBLOCK: a named pipe that somebody put there must not make us wait.
int open_file(int parent, const std::string& name, int flags) {
  return ::openat(parent, name.c_str(),
                  O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags, 0600);
}

Result<std::uint64_t> size_of(const File& file, std::string_view path) {
  struct stat found{};
  if (::fstat(file->number(), &found) != 0) return failure(errno, "look at", path);
  return static_cast<std::uint64_t>(found.st_size);
}

Result<> write_all(const File& file, std::uint64_t offset, std::string_view bytes,
                   std::string_view path) {
  while (!bytes.empty()) {
    const ssize_t count =
        ::pwrite(file->number(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failure(errno, "write", path);
    bytes.remove_prefix(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

domain::Time modified_at(const struct stat& file) {
  return {std::int64_t{file.st_mtim.tv_sec} * 1000 + file.st_mtim.tv_nsec / 1'000'000};
}

}  // namespace

Result<std::unique_ptr<FolderFileStore>> FolderFileStore::open(const std::string& folder,
                                                               std::size_t most_open) {
  std::error_code error;
  if (filesystem::create_directories(folder, error)) {
    filesystem::permissions(folder, filesystem::perms::owner_all, error);
  }
  if (error) return failure(error.value(), "create", folder);
  const int root = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) return failure(errno, "open", folder);
  return std::unique_ptr<FolderFileStore>(
      new FolderFileStore(folder, std::make_shared<Descriptor>(root), most_open));
}

/// Opens every folder on the way to `name`, the root first, and last the file itself. Segment by
/// segment, so that no link is followed.
Result<std::vector<File>> FolderFileStore::walk(std::string_view name, Missing missing) {
  std::vector<File> way{root_};
  for (std::string_view rest = name;;) {
    const std::size_t slash = rest.find('/');
    const std::string segment(rest.substr(0, slash));
    const int parent = way.back()->number();
    if (slash == std::string_view::npos) {
      const int file = open_file(parent, segment, missing == Missing::create ? O_CREAT : 0);
      if (file < 0) return failure(errno, "open", name);
      way.push_back(std::make_shared<Descriptor>(file));
      return way;
    }
    int folder = open_folder(parent, segment);
    if (folder < 0 && errno == ENOENT && missing == Missing::create) {
      if (::mkdirat(parent, segment.c_str(), 0700) != 0 && errno != EEXIST) {
        return failure(errno, "create the folder of", name);
      }
      folder = open_folder(parent, segment);
    }
    if (folder < 0) return failure(errno, "open", name);
    way.push_back(std::make_shared<Descriptor>(folder));
    rest.remove_prefix(slash + 1);
  }
}

Result<File> FolderFileStore::find(domain::JobId job, std::string_view path, Missing missing) {
  if (auto good = ports::check_name(job, path); !good) return base::pass(good);
  const std::string name = fmt::format("{}/{}", folder_of(job), path);
  struct stat found{};
  if (File file = open_files_.find(name)) {
    const bool still_there = ::fstat(file->number(), &found) == 0 && found.st_nlink > 0;
    if (still_there) return file;
    open_files_.drop(name);
  }
  auto way = walk(name, missing);
  if (!way) return base::pass(way);
  File file = std::move(way->back());
  if (::fstat(file->number(), &found) != 0) return failure(errno, "look at", path);
  if (!S_ISREG(found.st_mode)) return base::invalid("path", "{} is not a file", path);
  open_files_.keep(name, file);
  return file;
}

Result<std::uint64_t> FolderFileStore::write_at(domain::JobId job, std::string_view path,
                                                std::uint64_t offset, std::string_view bytes) {
  // A gap is refused before the file is made: a refusal must leave nothing behind.
  auto file = find(job, path, offset == 0 ? Missing::create : Missing::refuse);
  const bool is_missing = !file && file.error().code == ErrorCode::not_found;
  if (!file && !is_missing) return base::pass(file);
  auto size = is_missing ? Result<std::uint64_t>(0) : size_of(*file, path);
  if (!size) return size;
  if (offset > *size) {
    return base::fail(ErrorCode::conflict, "{} has {} bytes; nothing may be written at {}", path,
                      *size, offset);
  }
  if (auto written = write_all(*file, offset, bytes, path); !written) return base::pass(written);
  return std::max(*size, offset + bytes.size());
}

Result<> FolderFileStore::clear(domain::JobId job, std::string_view path) {
  if (auto named = ports::check_name(job, path); !named) return named;
  auto file = find(job, path, Missing::refuse);
  if (!file) return file.error().code == ErrorCode::not_found ? Result<>{} : base::pass(file);
  if (::ftruncate((*file)->number(), 0) != 0) return failure(errno, "empty", path);
  return {};
}

Result<> FolderFileStore::sync(domain::JobId job, std::string_view path) {
  if (auto good = ports::check_name(job, path); !good) return good;
  auto way = walk(fmt::format("{}/{}", folder_of(job), path), Missing::refuse);
  if (!way && way.error().code == ErrorCode::not_found) return {};
  if (!way) return base::pass(way);
  for (const File& file : *way) {
    if (::fsync(file->number()) != 0) return failure(errno, "sync", path);
  }
  return {};
}

Result<std::uint64_t> FolderFileStore::size(domain::JobId job, std::string_view path) {
  auto file = find(job, path, Missing::refuse);
  if (!file && file.error().code == ErrorCode::not_found) return 0;
  if (!file) return base::pass(file);
  return size_of(*file, path);
}

Result<std::string> FolderFileStore::read(domain::JobId job, std::string_view path,
                                          std::uint64_t offset, std::size_t most) {
  auto file = find(job, path, Missing::refuse);
  if (!file) return base::pass(file);
  auto size = size_of(*file, path);
  if (!size) return base::pass(size);
  std::string bytes(std::min<std::uint64_t>(most, *size - std::min(offset, *size)), '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::pread((*file)->number(), bytes.data() + done, bytes.size() - done,
                                  static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failure(errno, "read", path);
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  bytes.resize(done);
  return bytes;
}

Result<std::vector<ports::StoredFile>> FolderFileStore::list(domain::JobId job) {
  const filesystem::path folder = filesystem::path(folder_) / folder_of(job);
  std::vector<ports::StoredFile> files;
  std::error_code error;
  filesystem::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != filesystem::recursive_directory_iterator(); entry.increment(error)) {
    struct stat found{};
    if (::lstat(entry->path().c_str(), &found) != 0 || !S_ISREG(found.st_mode)) continue;
    files.push_back({.path = entry->path().lexically_relative(folder).string(),
                     .bytes = static_cast<std::uint64_t>(found.st_size),
                     .modified = modified_at(found)});
  }
  if (error && error.value() != ENOENT) {
    return failure(error.value(), "list", folder_of(job));
  }
  std::ranges::sort(files, {}, &ports::StoredFile::path);
  return files;
}

Result<> FolderFileStore::remove(domain::JobId job) {
  open_files_.drop_all(folder_of(job) + "/");
  std::error_code error;
  filesystem::remove_all(filesystem::path(folder_) / folder_of(job), error);
  if (error) return failure(error.value(), "remove", folder_of(job));
  return {};
}

Result<std::uint64_t> FolderFileStore::free_bytes() {
  struct statvfs disk{};
  if (::fstatvfs(root_->number(), &disk) != 0) return failure(errno, "look at", folder_);
  return std::uint64_t{disk.f_bavail} * disk.f_frsize;
}

}  // namespace adapters::files
