#include "adapters/system/machine.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <system_error>

namespace adapters::system {
namespace {

constexpr std::int64_t kSectorBytes = 512;

std::int64_t boottime_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000 + now.tv_nsec / 1'000'000;
}

/// Value in bytes of a line such as "MemTotal:  16384 kB".
std::int64_t memory_line(const std::string& name) {
  std::ifstream file("/proc/meminfo");
  std::string key;
  std::int64_t kib = 0;
  std::string rest;
  while (file >> key >> kib) {
    if (key == name + ":") return kib * 1'024;
    std::getline(file, rest);
  }
  return 0;
}

void read_cpu(MachineCounters& counters) {
  std::ifstream file("/proc/stat");
  std::string name;
  file >> name;
  std::array<std::int64_t, 8> ticks{};  // user nice system idle iowait irq softirq steal
  for (std::int64_t& each : ticks) {
    if (!(file >> each)) return;
    counters.cpu_all_ticks += each;
  }
  counters.cpu_busy_ticks = counters.cpu_all_ticks - ticks[3] - ticks[4];
}

/// True for a disk itself, as opposed to a part of one or a loop device.
bool is_whole_disk(const std::string& name) {
  if (name.starts_with("loop") || name.starts_with("ram") || name.starts_with("dm-")) return false;
  return ::access(("/sys/block/" + name).c_str(), F_OK) == 0;
}

void read_disks(MachineCounters& counters) {
  std::ifstream file("/proc/diskstats");
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::int64_t major = 0;
    std::int64_t minor = 0;
    std::string name;
    std::array<std::int64_t, 7> numbers{};  // reads merged sectors ms writes merged sectors
    fields >> major >> minor >> name;
    for (std::int64_t& number : numbers) fields >> number;
    if (!fields || !is_whole_disk(name)) continue;
    counters.disk_read_bytes += numbers[2] * kSectorBytes;
    counters.disk_write_bytes += numbers[6] * kSectorBytes;
  }
}

void read_network(MachineCounters& counters) {
  std::ifstream file("/proc/net/dev");
  std::string line;
  while (std::getline(file, line)) {
    const std::size_t colon = line.find(':');
    if (colon == line.npos || line.substr(0, colon).ends_with("lo")) continue;
    std::istringstream fields(line.substr(colon + 1));
    std::array<std::int64_t, 9> numbers{};  // Bytes are the first in, and the ninth out.
    for (std::int64_t& number : numbers) fields >> number;
    if (!fields) continue;
    counters.net_receive_bytes += numbers[0];
    counters.net_send_bytes += numbers[8];
  }
}

/// The host of "host:port", "[v6]:port" or "host".
std::string host_of(const std::string& peer) {
  if (peer.starts_with('[')) return peer.substr(1, peer.find(']') - 1);
  const std::size_t colon = peer.rfind(':');
  const bool has_port = colon != peer.npos && peer.find(':') == colon;
  return has_port ? peer.substr(0, colon) : peer;
}

/// Connecting a datagram socket sends nothing, but makes the kernel choose the way.
std::string local_address(const addrinfo& target) {
  const int socket = ::socket(target.ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return {};
  sockaddr_storage local{};
  socklen_t size = sizeof local;
  std::array<char, NI_MAXHOST> text{};
  const bool known = ::connect(socket, target.ai_addr, target.ai_addrlen) == 0 &&
                     ::getsockname(socket, reinterpret_cast<sockaddr*>(&local), &size) == 0 &&
                     ::getnameinfo(reinterpret_cast<sockaddr*>(&local), size, text.data(),
                                   text.size(), nullptr, 0, NI_NUMERICHOST) == 0;
  ::close(socket);
  return known ? std::string(text.data()) : std::string();
}

}  // namespace

MachineFacts read_machine_facts() {
  MachineFacts facts;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> facts.boot_id;
  cpu_set_t cores;
  CPU_ZERO(&cores);
  const bool known = ::sched_getaffinity(0, sizeof cores, &cores) == 0;
  facts.cpu_millis = 1'000 * (known ? CPU_COUNT(&cores) : ::sysconf(_SC_NPROCESSORS_ONLN));
  facts.memory_bytes = memory_line("MemTotal");
  return facts;
}

std::string address_towards(const std::string& peer) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host_of(peer).c_str(), "9", &hints, &found) != 0) return "127.0.0.1";
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    if (std::string address = local_address(*each); !address.empty()) return address;
  }
  return "127.0.0.1";
}

MachineCounters read_machine_counters(const std::string& folder) {
  MachineCounters counters;
  read_cpu(counters);
  read_disks(counters);
  read_network(counters);
  counters.memory_used_bytes = memory_line("MemTotal") - memory_line("MemAvailable");
  struct statvfs disk{};
  if (::statvfs(folder.c_str(), &disk) == 0) {
    counters.disk_free_bytes = static_cast<std::int64_t>(disk.f_bavail * disk.f_frsize);
  }
  return counters;
}

SteadyClock::SteadyClock() {
  using std::chrono::system_clock;
  const auto wall = system_clock::now().time_since_epoch();
  offset_ms_ = std::chrono::duration_cast<std::chrono::milliseconds>(wall).count() - boottime_ms();
}

SteadyClock SteadyClock::of_boot(const std::string& path) {
  SteadyClock clock;
  const std::string boot = read_machine_facts().boot_id;
  std::string noted_boot;
  std::int64_t noted_offset = 0;
  std::ifstream noted(path);
  if (noted >> noted_boot >> noted_offset && noted_boot == boot) {
    clock.offset_ms_ = noted_offset;
    return clock;
  }
  const std::string fresh = path + ".new";
  {
    std::ofstream file(fresh, std::ios::trunc);
    file << boot << ' ' << clock.offset_ms_ << '\n';
    if (!file.flush()) return clock;
  }
  std::error_code error;
  std::filesystem::rename(fresh, path, error);  // At once, or not at all.
  return clock;
}

domain::Time SteadyClock::now() const { return {boottime_ms() + offset_ms_}; }

}  // namespace adapters::system
