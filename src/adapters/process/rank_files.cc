#include "adapters/process/rank_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sstream>
#include <utility>

namespace adapters::process {
namespace {

using base::ErrorCode;
using base::Result;

constexpr char kDefaultPath[] = "/usr/local/bin:/usr/bin:/bin";

ErrorCode code_of(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return ErrorCode::not_found;
    case EACCES:
    case EPERM:
      return ErrorCode::permission_denied;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return ErrorCode::resource_exhausted;
    default:
      return ErrorCode::unavailable;
  }
}

void add_field(std::string& spec, std::string_view field) {
  spec.append(field);
  spec.push_back('\0');
}

void add_list(std::string& spec, const std::vector<std::string>& items) {
  add_field(spec, fmt::format("{}", items.size()));
  for (const std::string& item : items) add_field(spec, item);
}

/// Version 1 takes one thread by `tasks` at a fraction of what moving a process costs it.
std::vector<std::string> zero_files(const RankCgroup& cgroup, bool reset_oom_score) {
  std::vector<std::string> paths;
  if (!cgroup.unified) {
    for (const std::string& folder : cgroup.folders) paths.push_back(folder + "/tasks");
  }
  if (reset_oom_score) paths.push_back("/proc/self/oom_score_adj");
  return paths;
}

std::vector<std::string> environment_of(const ports::Launch& launch) {
  std::vector<std::string> entries = rank_entries(launch.key, launch.folder);
  for (const auto& [name, value] : launch.env) {
    if (name == kRankKeyVariable || name == kRankFolderVariable) continue;
    entries.push_back(name + "=" + value);
  }
  return entries;
}

bool holds_nul(const ports::Launch& launch) {
  std::string all = launch.workdir + launch.folder + launch.log_path;
  for (const std::string& argument : launch.command) all += argument;
  for (const auto& [name, value] : launch.env) all += name + value;
  return all.contains('\0');
}

/// 0 if this is a file that may be executed, otherwise why not.
int check_program(const std::string& path) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) return errno;
  if (!S_ISREG(status.st_mode)) return EACCES;
  return access(path.c_str(), X_OK) == 0 ? 0 : errno;
}

const char* name_of(shim::Step step) {
  switch (step) {
    case shim::Step::read_spec:
      return "read the launch";
    case shim::Step::open_log:
      return "open the log";
    case shim::Step::create_process:
      return "make a process";
    case shim::Step::join_cgroup:
      return "join the cgroup";
    case shim::Step::enter_workdir:
      return "enter the working folder";
    default:
      return "exec the command";
  }
}

std::string path_in(const std::string& folder, const char* name) { return folder + "/" + name; }

/// The file's content under whichever of its names it has.
std::string read_rank_file(const std::string& folder, bool also_wanted) {
  // In the order in which it gets them, so that one given meanwhile is met later.
  for (const char* name : {shim::kWantedFile, shim::kAliveFile, shim::kEndedFile}) {
    if (name == shim::kWantedFile && !also_wanted) continue;
    std::string text = read_small_file(path_in(folder, name));
    if (std::cmp_greater(text.size(), shim::kSpecAt)) return text;
  }
  return "";
}

/// The record at `offset`, up to its end of line; empty if it is not complete.
std::string record_at(const std::string& text, std::int64_t offset) {
  if (std::cmp_less(text.size(), offset)) return "";
  const std::size_t end = text.find_first_of(std::string("\n\0", 2), offset);
  if (end == std::string::npos || text[end] != '\n') return "";
  return text.substr(offset, end - offset);
}

std::vector<std::string> spec_fields(const std::string& folder) {
  std::vector<std::string> fields;
  const std::string text = read_rank_file(folder, true);
  if (text.empty()) return fields;
  std::istringstream in(text.substr(shim::kSpecAt));
  for (std::string field; std::getline(in, field, '\0');) fields.push_back(field);
  return fields;
}

}  // namespace

std::string text_of(const ports::RankKey& key) {
  return fmt::format("{}.{}.{}", key.job.value, key.attempt, key.rank);
}

std::vector<std::string> rank_entries(const ports::RankKey& key, const std::string& folder) {
  return {fmt::format("{}={}", kRankKeyVariable, text_of(key)),
          fmt::format("{}={}", kRankFolderVariable, folder)};
}

std::string cgroup_name(const ports::RankKey& key, const std::string& folder) {
  std::uint64_t hash = 14'695'981'039'346'656'037ULL;  // FNV-1a.
  for (const char c : folder) hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211ULL;
  return fmt::format("{}-{:016x}", text_of(key), hash);
}

Result<std::string> find_program(const ports::Launch& launch) {
  if (launch.command.empty() || launch.command.front().empty()) {
    return base::invalid("command", "there is no command");
  }
  if (holds_nul(launch)) return base::invalid("command", "a text holds a zero byte");
  struct stat status{};
  if (stat(launch.workdir.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
    return base::fail(ErrorCode::not_found, "no folder {} to work in", launch.workdir);
  }
  const std::string& name = launch.command.front();
  const auto absolute = [&launch](const std::string& path) {
    return path.starts_with('/') ? path : launch.workdir + "/" + path;
  };
  if (name.contains('/')) {
    const int error = check_program(absolute(name));
    if (error == 0) return absolute(name);
    return base::fail(code_of(error), "cannot run {}: {}", absolute(name), strerror(error));
  }
  const auto path = launch.env.find("PATH");
  std::istringstream folders(path == launch.env.end() ? kDefaultPath : path->second);
  int worst = ENOENT;
  for (std::string folder; std::getline(folders, folder, ':');) {
    std::string candidate = absolute(folder.empty() ? name : folder + "/" + name);
    const int error = check_program(candidate);
    if (error == 0) return candidate;
    if (error == EACCES) worst = EACCES;
  }
  return base::fail(code_of(worst), "cannot run {}: {} on the PATH", name,
                    worst == EACCES ? "no executable file" : "not found");
}

Result<std::string> encode_spec(const SpecParts& parts) {
  const auto& [launch, program, cgroup, lease, reset_oom_score] = parts;
  std::string spec;
  add_field(spec, shim::kSpecFormat);
  add_field(spec, program);
  add_field(spec, launch.workdir);
  add_field(spec, launch.log_path);
  add_list(spec, zero_files(cgroup, reset_oom_score));
  add_field(spec, cgroup.unified && !cgroup.folders.empty() ? cgroup.folders.front() : "");
  add_field(spec, lease.path);
  for (const std::int64_t ms :
       {lease.record.kill_at_ms, lease.record.longest_grace_ms, launch.grace.ms}) {
    add_field(spec, fmt::format("{}", std::max<std::int64_t>(0, ms)));
  }
  add_list(spec, launch.command);
  add_list(spec, environment_of(launch));
  if (std::cmp_less_equal(spec.size(), shim::kMaxSpecBytes)) return spec;
  return base::invalid("command", "arguments and environment are larger than {} bytes",
                       shim::kMaxSpecBytes);
}

Result<Descriptor> make_rank_file(const std::string& folder) {
  const std::string path = path_in(folder, shim::kWantedFile);
  Descriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return base::fail(code_of(errno), "open {}: {}", path, strerror(errno));
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    const ErrorCode code = errno == EWOULDBLOCK ? ErrorCode::conflict : code_of(errno);
    return base::fail(code, "lock {}: {}", path, strerror(errno));
  }
  // Only with the lock is it certain that no shim gives the file its next name right now.
  if (read_rank_file(folder, false).empty()) return file;
  unlink(path.c_str());
  return base::fail(ErrorCode::conflict, "the rank of {} was started before", folder);
}

Result<> write_spec(const Descriptor& file, const std::string& spec) {
  const std::string content = std::string(shim::kSpecAt, '\0') + spec;
  // A file system may write at once what was truncated before, also where nothing was there.
  struct stat facts{};
  const bool is_new = fstat(file.get(), &facts) == 0 && facts.st_size == 0;
  const bool empty = is_new || ftruncate(file.get(), 0) == 0;
  const ssize_t written = empty ? pwrite(file.get(), content.data(), content.size(), 0) : -1;
  if (std::cmp_equal(written, content.size())) return {};
  const int error = written < 0 ? errno : ENOSPC;
  return base::fail(code_of(error), "write what to run: {}", strerror(error));
}

void remove_rank_file(const std::string& folder) {
  unlink(path_in(folder, shim::kWantedFile).c_str());
}

Result<bool> has_shim(const std::string& folder) {
  int error = ENOENT;
  for (const char* name : {shim::kWantedFile, shim::kAliveFile, shim::kEndedFile}) {
    const std::string path = path_in(folder, name);
    const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file && flock(file.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK) return true;
    if (errno != ENOENT && !file) error = errno;
  }
  if (error == ENOENT || error == ENOTDIR) return false;
  return base::fail(code_of(error), "look into {}: {}", folder, strerror(error));
}

RankCgroup read_cgroup(const std::string& folder) {
  constexpr std::size_t kCount = 4;
  constexpr std::string_view kTasks = "/tasks";
  RankCgroup cgroup;
  const std::vector<std::string> fields = spec_fields(folder);
  // Every format has had this part so; the rank may be of an earlier agent.
  if (fields.size() <= kCount || !fields.front().starts_with("berth-spec-")) return cgroup;
  std::size_t at = kCount + 1;
  const std::size_t count = std::strtoul(fields[kCount].c_str(), nullptr, 10);
  for (; at < fields.size() && at <= kCount + count; ++at) {
    const std::string& path = fields[at];
    if (!path.ends_with(kTasks)) continue;
    cgroup.folders.push_back(path.substr(0, path.size() - kTasks.size()));
  }
  if (at < fields.size() && !fields[at].empty()) {
    cgroup.folders.push_back(fields[at]);
    cgroup.unified = true;
  }
  return cgroup;
}

std::optional<ShimIdentity> read_identity(const std::string& folder) {
  std::istringstream in(record_at(read_rank_file(folder, false), shim::kIdentityAt));
  ShimIdentity identity;
  if (in >> identity.id.pid >> identity.id.start_ticks >> identity.boot) return identity;
  return std::nullopt;
}

void note_stop(const std::string& folder) {
  for (const char* name : {shim::kAliveFile, shim::kEndedFile}) {
    const Descriptor file(open(path_in(folder, name).c_str(), O_WRONLY | O_CLOEXEC));
    constexpr std::string_view kNote = shim::kStopByAgent;
    if (file && pwrite(file.get(), kNote.data(), kNote.size(), shim::kStopAt) > 0) return;
  }
}

bool was_stopped_by_lease(const std::string& folder) {
  return record_at(read_rank_file(folder, false), shim::kStopAt) + "\n" == shim::kStopByLease;
}

std::optional<ports::RankEnd> read_end(const std::string& folder) {
  const std::string text = read_small_file(path_in(folder, shim::kEndedFile));
  std::istringstream in(record_at(text, shim::kEndAt));
  ports::RankEnd end;
  int step = 0;
  int error = 0;
  if (!(in >> end.exit_code >> end.signal >> end.at.ms >> step >> error)) return std::nullopt;
  using domain::ExitCause;
  if (step != 0) {
    end.cause = ExitCause::cannot_start;
    end.detail = fmt::format("cannot {}: {}", name_of(shim::Step(step)), strerror(error));
  } else if (record_at(text, shim::kStopAt) + "\n" == shim::kStopByLease) {
    end.cause = ExitCause::stopped;
    end.detail = "its agent was away for longer than the lease";
  } else if (end.signal != 0) {
    end.cause = ExitCause::crashed;
    const char* name = sigabbrev_np(end.signal);
    end.detail = name == nullptr ? fmt::format("killed by signal {}", end.signal)
                                 : fmt::format("killed by SIG{}", name);
  } else {
    end.cause = end.exit_code == 0 ? ExitCause::success : ExitCause::failed;
    end.detail = fmt::format("exited with code {}", end.exit_code);
  }
  return end;
}

}  // namespace adapters::process
