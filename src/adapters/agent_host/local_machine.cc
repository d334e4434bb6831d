#include "adapters/agent_host/local_machine.h"

#include <algorithm>
#include <utility>

namespace adapters::agent_host {

LocalMachine::LocalMachine(domain::Inventory declared, std::string data_dir)
    : declared_(std::move(declared)),
      data_dir_(std::move(data_dir)),
      last_(system::read_machine_counters(data_dir_)) {
  if (!declared_.simulated) nvml_ = nvml::Nvml::open();
}

domain::Inventory LocalMachine::inventory() {
  domain::Inventory inventory = declared_;
  const system::MachineFacts facts = system::read_machine_facts();
  inventory.boot_id = facts.boot_id;
  if (inventory.cpu_millis == 0) inventory.cpu_millis = facts.cpu_millis;
  inventory.memory_bytes = facts.memory_bytes;
  if (nvml_) inventory.gpus = nvml_->inventory();
  return inventory;
}

ports::NodeSample LocalMachine::sample(domain::Time now) {
  const system::MachineCounters counters = system::read_machine_counters(data_dir_);
  const std::int64_t all = counters.cpu_all_ticks - last_.cpu_all_ticks;
  const std::int64_t busy = counters.cpu_busy_ticks - last_.cpu_busy_ticks;
  last_ = counters;
  ports::NodeSample sample{
      .at = now,
      .cpu_permille = static_cast<std::int32_t>(
          all <= 0 ? 0 : std::clamp<std::int64_t>(busy * 1'000 / all, 0, 1'000)),
      .memory_used_bytes = counters.memory_used_bytes,
      .disk_read_bytes = counters.disk_read_bytes,
      .disk_write_bytes = counters.disk_write_bytes,
      .net_receive_bytes = counters.net_receive_bytes,
      .net_send_bytes = counters.net_send_bytes,
      .disk_free_bytes = counters.disk_free_bytes,
      .gpu_permille = {},
      .gpu_memory_bytes = {},
  };
  if (!nvml_) {
    sample.gpu_permille.resize(declared_.gpus.size());
    sample.gpu_memory_bytes.resize(declared_.gpus.size());
    return sample;
  }
  for (const nvml::GpuSample& gpu : nvml_->sample()) {
    sample.gpu_permille.push_back(gpu.permille);
    sample.gpu_memory_bytes.push_back(gpu.memory_bytes);
  }
  return sample;
}

}  // namespace adapters::agent_host
