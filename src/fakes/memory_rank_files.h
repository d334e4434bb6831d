#pragma once
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ports/rank_files.h"

namespace fakes {

/// A machine's files in memory. A file's folders exist with it.
class MemoryRankFiles final : public ports::RankFiles {
 public:
  base::Result<> make_folder(const std::string& path) override {
    folders_.insert(path);
    return {};
  }

  bool exists(const std::string& path) override {
    if (files_.contains(path) || folders_.contains(path)) return true;
    return !below(files_, path).empty() || !below(folders_, path).empty();
  }

  base::Result<std::uint64_t> size(const std::string& path) override {
    const auto at = files_.find(path);
    if (at == files_.end()) return not_found(path);
    return at->second.size();
  }

  base::Result<std::string> read(const std::string& path, std::uint64_t offset,
                                 std::size_t most) override {
    const auto at = files_.find(path);
    if (at == files_.end()) return not_found(path);
    if (offset >= at->second.size()) return std::string();
    return at->second.substr(static_cast<std::size_t>(offset), most);
  }

  base::Result<> append(const std::string& path, std::string_view bytes) override {
    files_[path] += bytes;
    return {};
  }

  base::Result<> replace(const std::string& path, std::string_view bytes) override {
    files_[path] = bytes;
    return {};
  }

  base::Result<std::vector<ports::FileEntry>> list(const std::string& folder,
                                                   ports::ListLimits limits) override {
    std::vector<ports::FileEntry> entries;
    for (const std::string& path : below(files_, folder)) {
      const std::string inside = path.substr(prefix_of(folder).size());
      if (std::ranges::count(inside, '/') >= limits.depth) continue;
      if (entries.size() < limits.files) entries.push_back({inside, files_.at(path).size()});
    }
    return entries;
  }

  base::Result<std::vector<std::string>> folders(const std::string& folder) override {
    std::set<std::string> names;
    for (const std::string& path : below(files_, folder)) add_name(path, folder, true, names);
    for (const std::string& path : below(folders_, folder)) add_name(path, folder, false, names);
    return std::vector<std::string>(names.begin(), names.end());
  }

  base::Result<> empty_folder(const std::string& folder, const std::vector<std::string>& subfolders,
                              const std::string& file) override {
    for (const std::string& name : subfolders) {
      if (!folders_.contains(folder + "/" + name)) return not_found(folder + "/" + name);
    }
    const bool has_file = files_.contains(folder + "/" + file);
    (void)remove(folder);
    if (has_file) files_[folder + "/" + file] = "";
    for (const std::string& name : subfolders) folders_.insert(folder + "/" + name);
    return {};
  }

  base::Result<> rename(const std::string& from, const std::string& to) override {
    if (!exists(from)) return not_found(from);
    const auto moved = [&](const std::string& path) { return to + path.substr(from.size()); };
    for (const std::string& path : below(files_, from)) {
      files_[moved(path)] = files_.extract(path).mapped();
    }
    for (const std::string& path : below(folders_, from)) folders_.insert(moved(path));
    if (files_.contains(from)) files_[to] = files_.extract(from).mapped();
    if (folders_.contains(from)) folders_.insert(to);
    return remove(from);
  }

  base::Result<> remove(const std::string& path) override {
    for (const std::string& inside : below(files_, path)) files_.erase(inside);
    for (const std::string& inside : below(folders_, path)) folders_.erase(inside);
    files_.erase(path);
    folders_.erase(path);
    return {};
  }

 private:
  static std::unexpected<base::Error> not_found(const std::string& path) {
    return base::fail(base::ErrorCode::not_found, "{}: no such file", path);
  }

  static std::string prefix_of(const std::string& folder) {
    return folder.ends_with('/') ? folder : folder + "/";
  }

  static std::string path_of(const std::string& folder) { return folder; }
  static std::string path_of(const std::pair<const std::string, std::string>& file) {
    return file.first;
  }

  template <class Paths>
  static std::vector<std::string> below(const Paths& paths, const std::string& folder) {
    const std::string prefix = prefix_of(folder);
    std::vector<std::string> inside;
    for (auto at = paths.lower_bound(prefix); at != paths.end(); ++at) {
      if (!path_of(*at).starts_with(prefix)) break;
      inside.push_back(path_of(*at));
    }
    return inside;
  }

  static void add_name(const std::string& path, const std::string& folder, bool is_file,
                       std::set<std::string>& names) {
    const std::string inside = path.substr(prefix_of(folder).size());
    const std::size_t end = inside.find('/');
    if (end != inside.npos || !is_file) names.insert(inside.substr(0, end));
  }

  std::map<std::string, std::string> files_;
  std::set<std::string> folders_;
};

}  // namespace fakes
