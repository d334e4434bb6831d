#pragma once
#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "ports/clock.h"
#include "ports/file_store.h"

namespace fakes {

/// Keeps files in memory, on a disk whose size can be set. Thread-safe.
class MemoryFileStore final : public ports::FileStore {
 public:
  explicit MemoryFileStore(const ports::Clock& clock) : clock_(clock) {}

  /// The disk's size from now on; less than what is there means that it is full.
  void set_disk_bytes(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    disk_bytes_ = bytes;
  }

  /// The next `times` calls are `unavailable` and change nothing.
  void fail_next(int times = 1) {
    const std::lock_guard lock(mutex_);
    failures_ = times;
  }

  base::Result<std::uint64_t> write_at(domain::JobId job, std::string_view path,
                                       std::uint64_t offset, std::string_view bytes) override {
    if (auto good = ports::check_name(job, path); !good) return base::pass(good);
    const std::lock_guard lock(mutex_);
    if (auto healthy = check_health(); !healthy) return base::pass(healthy);
    const Key key{job, std::string(path)};
    const auto found = files_.find(key);
    const std::uint64_t size = found == files_.end() ? 0 : found->second.bytes.size();
    if (offset > size) {
      return base::fail(base::ErrorCode::conflict, "{} has {} bytes; nothing may be written at {}",
                        path, size, offset);
    }
    const std::uint64_t more = offset + bytes.size() - std::min(size, offset + bytes.size());
    if (more > left()) {
      return base::fail(base::ErrorCode::resource_exhausted, "the disk of the file store is full");
    }
    if (auto clear = check_folders(key); !clear) return base::pass(clear);
    File& file = files_[key];
    file.bytes.replace(offset, bytes.size(), bytes);
    used_bytes_ += more;
    file.modified = clock_.now();
    return file.bytes.size();
  }

  base::Result<> sync(domain::JobId job, std::string_view path) override {
    if (auto good = ports::check_name(job, path); !good) return good;
    const std::lock_guard lock(mutex_);
    return check_health();
  }

  base::Result<std::uint64_t> size(domain::JobId job, std::string_view path) override {
    if (auto good = ports::check_name(job, path); !good) return base::pass(good);
    const std::lock_guard lock(mutex_);
    if (auto healthy = check_health(); !healthy) return base::pass(healthy);
    const auto found = files_.find({job, std::string(path)});
    return found == files_.end() ? 0 : found->second.bytes.size();
  }

  base::Result<std::string> read(domain::JobId job, std::string_view path, std::uint64_t offset,
                                 std::size_t most) override {
    if (auto good = ports::check_name(job, path); !good) return base::pass(good);
    const std::lock_guard lock(mutex_);
    if (auto healthy = check_health(); !healthy) return base::pass(healthy);
    const auto found = files_.find({job, std::string(path)});
    if (found == files_.end()) {
      return base::fail(base::ErrorCode::not_found, "job {} has no file {}", job.value, path);
    }
    const std::string& bytes = found->second.bytes;
    return bytes.substr(std::min<std::uint64_t>(offset, bytes.size()), most);
  }

  base::Result<std::vector<ports::StoredFile>> list(domain::JobId job) override {
    const std::lock_guard lock(mutex_);
    if (auto healthy = check_health(); !healthy) return base::pass(healthy);
    std::vector<ports::StoredFile> found;
    for (auto file = files_.lower_bound({job, ""}); file != files_.end(); ++file) {
      if (file->first.first != job) break;
      const auto& [bytes, modified] = file->second;
      found.push_back({file->first.second, bytes.size(), modified});
    }
    return found;
  }

  base::Result<> clear(domain::JobId job, std::string_view path) override {
    if (auto named = ports::check_name(job, path); !named) return named;
    const std::lock_guard lock(mutex_);
    if (auto healthy = check_health(); !healthy) return healthy;
    const auto file = files_.find({job, std::string(path)});
    if (file == files_.end()) return {};
    used_bytes_ -= file->second.bytes.size();
    file->second.bytes.clear();
    return {};
  }

  base::Result<> remove(domain::JobId job) override {
    const std::lock_guard lock(mutex_);
    if (auto healthy = check_health(); !healthy) return healthy;
    auto file = files_.lower_bound({job, ""});
    while (file != files_.end() && file->first.first == job) {
      used_bytes_ -= file->second.bytes.size();
      file = files_.erase(file);
    }
    return {};
  }

  base::Result<std::uint64_t> free_bytes() override {
    const std::lock_guard lock(mutex_);
    if (auto healthy = check_health(); !healthy) return base::pass(healthy);
    return left();
  }

 private:
  using Key = std::pair<domain::JobId, std::string>;
  struct File {
    std::string bytes;
    domain::Time modified;
  };

  base::Result<> check_health() {
    if (failures_ == 0) return {};
    --failures_;
    return base::fail(base::ErrorCode::unavailable, "the file store fails");
  }

  /// A file is no folder and a folder is no file, as on a disk.
  base::Result<> check_folders(const Key& key) const {
    const auto& [job, path] = key;
    const auto below = files_.lower_bound({job, path + "/"});
    if (below != files_.end() && below->first.first == job &&
        below->first.second.starts_with(path + "/")) {
      return base::invalid("path", "{} is a folder", path);
    }
    for (std::size_t slash = path.find('/'); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
      if (files_.contains({job, path.substr(0, slash)})) {
        return base::invalid("path", "{} is not a folder", path.substr(0, slash));
      }
    }
    return {};
  }

  std::uint64_t left() const { return disk_bytes_ - std::min(used_bytes_, disk_bytes_); }

  const ports::Clock& clock_;
  std::mutex mutex_;
  std::map<Key, File> files_;
  std::uint64_t disk_bytes_ = std::uint64_t{1} << 40;
  std::uint64_t used_bytes_ = 0;
  int failures_ = 0;
};

}  // namespace fakes
