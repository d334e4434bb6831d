#include "adapters/process/process_table.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <string_view>

namespace adapters::process {
namespace {

std::string read_at(int folder, const char* path) {
  std::string text;
  const Descriptor file(openat(folder, path, O_RDONLY | O_CLOEXEC));
  if (!file) return text;
  std::array<char, 4096> block;
  for (ssize_t size = 0; (size = ::read(file.get(), block.data(), block.size())) > 0;) {
    text.append(block.data(), static_cast<std::size_t>(size));
  }
  return text;
}

std::string environment_of(pid_t pid) {
  // In front of every entry, so also the first, stands a NUL.
  return std::string(1, '\0') + read_small_file(fmt::format("/proc/{}/environ", pid));
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

std::string read_small_file(const std::string& path) { return read_at(AT_FDCWD, path.c_str()); }

std::string boot_id() {
  std::string text = read_small_file("/proc/sys/kernel/random/boot_id");
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::optional<Process> decode_stat(const std::string& text) {
  // The command's name, in parentheses, may hold spaces and parentheses itself.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos || name_end + 2 >= text.size()) return std::nullopt;
  std::array<std::int64_t, 22> numbers{};  // Fields 4 to 25 of proc(5).
  const char* at = text.data() + name_end + 3;
  const char* end = text.data() + text.size();
  for (std::int64_t& number : numbers) {
    while (at < end && *at == ' ') ++at;
    const auto [next, error] = std::from_chars(at, end, number);
    if (error == std::errc::invalid_argument) return std::nullopt;
    at = next;  // A limit of 2^64-1 is out of range; it is not used.
  }
  const auto field = [&numbers](std::size_t n) { return numbers[n - 4]; };
  Process process;
  std::from_chars(text.data(), end, process.id.pid);
  process.id.start_ticks = field(22);
  process.state = text[name_end + 2];
  process.parent = static_cast<pid_t>(field(4));
  process.session = static_cast<pid_t>(field(6));
  process.cpu_ticks = field(14) + field(15) + field(16) + field(17);
  process.threads = field(20);
  process.resident_bytes = field(24) * sysconf(_SC_PAGESIZE);
  return process;
}

std::optional<Process> read_process(pid_t pid) {
  return decode_stat(read_small_file(fmt::format("/proc/{}/stat", pid)));
}

ProcessTable ProcessTable::read() {
  ProcessTable table;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc"), closedir);
  if (folder == nullptr) return table;
  while (const dirent* entry = readdir(folder.get())) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    const std::string path = fmt::format("{}/stat", std::string_view(entry->d_name));
    const auto process = decode_stat(read_at(dirfd(folder.get()), path.c_str()));
    if (process) table.processes_.emplace(process->id.pid, *process);
  }
  return table;
}

const Process* ProcessTable::find(pid_t pid) const {
  const auto found = processes_.find(pid);
  return found == processes_.end() ? nullptr : &found->second;
}

const Process* ProcessTable::find(const ProcessId& id) const {
  const Process* process = find(id.pid);
  return process != nullptr && process->id == id ? process : nullptr;
}

void ProcessTable::add_descendants(std::map<pid_t, Process>& family) const {
  std::multimap<pid_t, const Process*> children;
  for (const auto& [pid, process] : processes_) children.emplace(process.parent, &process);
  std::vector<pid_t> parents;
  for (const auto& [pid, process] : family) parents.push_back(pid);
  while (!parents.empty()) {
    const pid_t parent = parents.back();
    parents.pop_back();
    const auto [first, last] = children.equal_range(parent);
    for (auto child = first; child != last; ++child) {
      const pid_t pid = child->second->id.pid;
      if (family.emplace(pid, *child->second).second) parents.push_back(pid);
    }
  }
}

Descriptor open_child(pid_t pid) {
  return Descriptor(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

Descriptor open_process(const ProcessId& id) {
  Descriptor process = open_child(id.pid);
  if (!process) return process;
  // The descriptor holds on to whoever has the pid now, so the check comes after it.
  const auto current = read_process(id.pid);
  if (current && current->id == id) return process;
  errno = ESRCH;
  return {};
}

bool send_signal(const ProcessId& id, int signal) {
  const Descriptor process = open_process(id);
  return process && syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0) == 0;
}

bool environment_holds(pid_t pid, const std::vector<std::string>& entries) {
  const std::string environment = environment_of(pid);
  return std::ranges::all_of(entries, [&environment](const std::string& entry) {
    return environment.contains(std::string(1, '\0') + entry + '\0');
  });
}

bool environment_names(pid_t pid, const std::string& name) {
  return environment_of(pid).contains(std::string(1, '\0') + name + '=');
}

}  // namespace adapters::process
