#include "adapters/process/cgroups.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <optional>
#include <sstream>

#include "adapters/process/descriptor.h"
#include "adapters/process/process_table.h"

namespace adapters::process {
namespace {

namespace files = std::filesystem;
using base::ErrorCode;
using base::Result;

constexpr std::int64_t kPeriodMicros = 100'000;    // What a new cgroup has.
constexpr std::int64_t kLeastQuotaMicros = 1'000;  // The kernel refuses less.

struct Mount {
  std::string root;
  std::string point;
  bool unified = false;
  std::string options;  ///< With commas around.
};

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  std::istringstream in{std::string(text)};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::vector<Mount> cgroup_mounts(std::string_view mountinfo) {
  std::vector<Mount> mounts;
  for (const std::string& line : lines_of(mountinfo)) {
    std::istringstream in(line);
    std::string skipped;
    std::string type;
    Mount mount;
    in >> skipped >> skipped >> skipped >> mount.root >> mount.point;
    while (in >> skipped && skipped != "-") {
    }
    in >> type >> skipped >> mount.options;
    mount.unified = type == "cgroup2";
    mount.options = "," + mount.options + ",";
    if (mount.unified || type == "cgroup") mounts.push_back(mount);
  }
  return mounts;
}

/// The path after `N:controllers:` of the line that names the controller ("" is version 2).
std::optional<std::string> own_path(std::string_view own, const std::string& controller) {
  for (const std::string& line : lines_of(own)) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string named = line.substr(first + 1, second - first - 1);
    const bool fits =
        controller.empty() ? named.empty() : ("," + named + ",").contains("," + controller + ",");
    if (fits) return line.substr(second + 1);
  }
  return std::nullopt;
}

/// The folder of `path` inside a mount; empty if the mount does not show it.
std::string folder_in(const Mount& mount, std::string path) {
  if (mount.root != "/") {
    if (!(path + "/").starts_with(mount.root + "/")) return "";
    path.erase(0, mount.root.size());
  }
  if (path.starts_with("/..")) return "";
  while (path.ends_with('/')) path.pop_back();
  return mount.point + path;
}

Result<> write_value(const std::string& path, const std::string& value) {
  const Descriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file && ::write(file.get(), value.data(), value.size()) >= 0) return {};
  return base::fail(ErrorCode::unavailable, "write {} to {}: {}", value, path, strerror(errno));
}

bool make_folder(const std::string& path) {
  return mkdir(path.c_str(), 0755) == 0 || errno == EEXIST;
}

/// Makes `berth/` below a version 1 cgroup; empty if that is not allowed.
std::string make_top(const std::string& place) {
  if (place.empty()) return "";
  const std::string top = place + "/berth";
  return make_folder(top) && access(top.c_str(), W_OK) == 0 ? top : "";
}

bool enable_controllers(const std::string& folder) {
  return write_value(folder + "/cgroup.subtree_control", "+cpu +memory").has_value();
}

/// Makes `berth/` below a version 2 cgroup with both controllers; empty if that is not allowed.
std::string make_unified_top(std::string place) {
  const std::string leaf = "/berth-agent";
  if (place.ends_with(leaf)) place.erase(place.size() - leaf.size());
  const std::string top = place + "/berth";
  if (!enable_controllers(place)) {
    if (!make_folder(place + leaf)) return "";
    const bool moved = write_value(place + leaf + "/cgroup.procs", "0").has_value();
    if (!moved || !enable_controllers(place)) {
      if (moved) (void)write_value(place + "/cgroup.procs", "0");
      rmdir((place + leaf).c_str());
      return "";
    }
  }
  return make_folder(top) && enable_controllers(top) ? top : "";
}

std::int64_t value_of(const std::string& text) {
  std::int64_t value = -1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// The number after `name ` in a file of such lines; -1 if there is none.
std::int64_t value_named(const std::string& path, const std::string& name) {
  for (const std::string& line : lines_of(read_small_file(path))) {
    if (line.starts_with(name + " ")) return value_of(line.substr(name.size() + 1));
  }
  return -1;
}

std::int64_t quota_micros(std::int64_t cpu_millis) {
  return std::max(kLeastQuotaMicros, cpu_millis * kPeriodMicros / 1000);
}

Result<> limit_unified(const std::string& folder, const domain::Resources& limits) {
  if (limits.cpu_millis > 0) {
    const std::string value = fmt::format("{} {}", quota_micros(limits.cpu_millis), kPeriodMicros);
    if (auto done = write_value(folder + "/cpu.max", value); !done) return done;
  }
  if (limits.memory_bytes <= 0) return {};
  // Not every kernel counts swap; where it does, a rank must not live on it.
  (void)write_value(folder + "/memory.swap.max", "0");
  return write_value(folder + "/memory.max", fmt::format("{}", limits.memory_bytes));
}

Result<> limit_cpu(const std::string& folder, std::int64_t cpu_millis) {
  return write_value(folder + "/cpu.cfs_quota_us", fmt::format("{}", quota_micros(cpu_millis)));
}

Result<> limit_memory(const std::string& folder, std::int64_t bytes) {
  const std::string value = fmt::format("{}", bytes);
  if (auto done = write_value(folder + "/memory.limit_in_bytes", value); !done) return done;
  (void)write_value(folder + "/memory.memsw.limit_in_bytes", value);  // Absent without swap counts.
  return {};
}

/// Folders of the cgroup, the deepest first.
std::vector<std::string> tree_below(const std::string& folder) {
  std::vector<std::string> tree{folder};
  std::error_code error;
  for (files::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    if (at->is_directory(error)) tree.push_back(at->path());
  }
  std::ranges::sort(tree, std::ranges::greater{}, &std::string::size);
  return tree;
}

}  // namespace

CgroupPlaces find_cgroup_places(std::string_view mountinfo, std::string_view own,
                                std::string_view parent) {
  CgroupPlaces places;
  CgroupPlaces unified{.unified = true, .cpu = {}, .memory = {}};
  const auto place = [&](const Mount& mount, const std::string& controller) -> std::string {
    if (!parent.empty()) return mount.point + std::string(parent);
    const auto path = own_path(own, controller);
    return path ? folder_in(mount, *path) : "";
  };
  for (const Mount& mount : cgroup_mounts(mountinfo)) {
    if (mount.unified) unified.cpu = unified.memory = place(mount, "");
    if (mount.unified) continue;
    if (mount.options.contains(",cpu,")) places.cpu = place(mount, "cpu");
    if (mount.options.contains(",memory,")) places.memory = place(mount, "memory");
  }
  return places.cpu.empty() && places.memory.empty() ? unified : places;
}

Cgroups::Cgroups(const CgroupPlaces& places) : unified_(places.unified) {
  if (unified_) {
    cpu_ = memory_ = places.cpu.empty() ? "" : make_unified_top(places.cpu);
  } else {
    cpu_ = make_top(places.cpu);
    memory_ = make_top(places.memory);
  }
}

Cgroups::~Cgroups() {
  if (!cpu_.empty()) rmdir(cpu_.c_str());
  if (!memory_.empty()) rmdir(memory_.c_str());
}

Result<RankCgroup> Cgroups::create(const std::string& name, const domain::Resources& limits) const {
  RankCgroup cgroup{.folders = {}, .unified = unified_};
  const auto make = [&](const std::string& top, auto limit) -> Result<> {
    const std::string folder = top + "/" + name;
    // Another agent that stops removes the empty berth/ that both share.
    if (!make_folder(folder) && !(make_folder(top) && make_folder(folder))) {
      return base::fail(ErrorCode::unavailable, "make {}: {}", folder, strerror(errno));
    }
    cgroup.folders.push_back(folder);
    return limit(folder);
  };
  const bool cpu = limits_cpu() && limits.cpu_millis > 0;
  const bool memory = limits_memory() && limits.memory_bytes > 0;
  Result<> made;
  if (unified_ && (cpu || memory)) {
    made = make(cpu_, [&](const std::string& folder) { return limit_unified(folder, limits); });
  } else {
    if (cpu) {
      made = make(cpu_, [&](const std::string& at) { return limit_cpu(at, limits.cpu_millis); });
    }
    if (made && memory) {
      made = make(memory_,
                  [&](const std::string& at) { return limit_memory(at, limits.memory_bytes); });
    }
  }
  if (made) return cgroup;
  (void)remove(cgroup);
  return base::pass(made);
}

std::vector<int> pids_in(const RankCgroup& cgroup) {
  std::vector<int> pids;
  for (const std::string& top : cgroup.folders) {
    for (const std::string& folder : tree_below(top)) {
      for (const std::string& line : lines_of(read_small_file(folder + "/cgroup.procs"))) {
        pids.push_back(static_cast<int>(value_of(line)));
      }
    }
  }
  return pids;
}

std::int64_t count_oom_kills(const RankCgroup& cgroup) {
  std::int64_t kills = 0;
  for (const std::string& folder : cgroup.folders) {
    const std::string file = cgroup.unified ? "/memory.events" : "/memory.oom_control";
    kills = std::max(kills, value_named(folder + file, "oom_kill"));
  }
  return kills;
}

std::int64_t memory_in_use(const RankCgroup& cgroup) {
  for (const std::string& folder : cgroup.folders) {
    const std::string used = cgroup.unified ? "/memory.current" : "/memory.usage_in_bytes";
    const std::string text = read_small_file(folder + used);
    if (text.empty()) continue;
    const std::string cache = cgroup.unified ? "inactive_file" : "total_inactive_file";
    const std::int64_t dropped = value_named(folder + "/memory.stat", cache);
    return std::max<std::int64_t>(0, value_of(text) - std::max<std::int64_t>(0, dropped));
  }
  return -1;
}

bool remove(const RankCgroup& cgroup) {
  bool gone = true;
  for (const std::string& top : cgroup.folders) {
    // Most ranks make none below their own, and to list one costs more than to remove it.
    if (rmdir(top.c_str()) == 0) continue;
    for (const std::string& folder : tree_below(top)) {
      if (rmdir(folder.c_str()) != 0 && errno != ENOENT) gone = false;
    }
  }
  return gone;
}

}  // namespace adapters::process
