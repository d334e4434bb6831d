#include "shim/descendants.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>

#include "shim/kernel.h"
#include "shim/text.h"

namespace shim {
namespace {

constexpr std::size_t kMostProcesses = 1 << 17;

struct Process {
  int pid = 0;
  int parent = 0;
  std::int64_t start_ticks = 0;
  bool is_ours = false;
};

/// An entry of getdents64, as the kernel lays it out.
struct Entry {
  std::uint64_t inode;
  std::int64_t next;
  unsigned short size;
  unsigned char type;
  char name[1];
};

bool read_process(const char* pid, Process& process) {
  char status[1024];
  Line path;
  path.add("/proc/").add(pid).add("/stat");
  if (read_text(path.text(), status, sizeof status) <= 0) return false;
  process.pid = static_cast<int>(number_in(pid));
  process.parent = static_cast<int>(stat_field(status, kStatParent));
  process.start_ticks = stat_field(status, kStatStartTicks);
  return true;
}

/// Fills `table` with what /proc lists; returns how many.
std::size_t read_table(Process* table) {
  alignas(Entry) char block[8192];
  const int folder = kernel::open("/proc", O_RDONLY | O_DIRECTORY);
  std::size_t count = 0;
  for (;;) {
    const long size = kernel::call(SYS_getdents64, folder, block, static_cast<long>(sizeof block));
    if (size <= 0) break;
    for (long at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const Entry*>(block + at);
      at += entry->size;
      if (number_in(entry->name) < 0 || count == kMostProcesses) continue;
      if (read_process(entry->name, table[count])) ++count;
    }
  }
  kernel::close(folder);
  return count;
}

/// Marks the children of those that are marked, and of `root`; true if there was a new one.
bool mark_children(Process* table, std::size_t count, int root) {
  bool found = false;
  for (std::size_t i = 0; i < count; ++i) {
    if (table[i].is_ours) continue;
    bool is_ours = table[i].parent == root;
    for (std::size_t j = 0; j < count && !is_ours; ++j) {
      is_ours = table[j].is_ours && table[j].pid == table[i].parent;
    }
    table[i].is_ours = is_ours;
    found = found || is_ours;
  }
  return found;
}

/// Never by its pid alone: the descriptor holds on to whoever has the pid now, and only then it is
/// looked whether that is still the process of the table.
void terminate(const Process& process) {
  const int descriptor = static_cast<int>(kernel::call(SYS_pidfd_open, process.pid, 0));
  if (descriptor < 0) return;
  Line pid;
  pid.add(process.pid);
  Process current;
  if (read_process(pid.text(), current) && current.start_ticks == process.start_ticks) {
    kernel::call(SYS_pidfd_send_signal, descriptor, SIGTERM, nullptr, 0);
    kernel::call(SYS_pidfd_send_signal, descriptor, SIGCONT, nullptr, 0);
  }
  kernel::close(descriptor);
}

}  // namespace

void kill_children() {
  const int file = kernel::open("/proc/thread-self/children", O_RDONLY);
  char text[4096];
  long pid = 0;
  for (long size = 0; (size = kernel::read(file, text, sizeof text)) > 0;) {
    for (long i = 0; i < size; ++i) {
      if (text[i] >= '0' && text[i] <= '9') {
        pid = pid * 10 + (text[i] - '0');
      } else if (pid > 0) {
        kernel::call(SYS_kill, pid, SIGKILL);
        pid = 0;
      }
    }
  }
  kernel::close(file);
}

void terminate_descendants() {
  auto* table = reinterpret_cast<Process*>(kernel::map_memory(kMostProcesses * sizeof(Process)));
  if (table == nullptr) return;
  const std::size_t count = read_table(table);
  const int self = static_cast<int>(kernel::call(SYS_getpid));
  while (mark_children(table, count, self)) {
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (table[i].is_ours) terminate(table[i]);
  }
}

}  // namespace shim
