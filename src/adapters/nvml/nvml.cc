#include "adapters/nvml/nvml.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace adapters::nvml {
namespace {

// As much of the library's interface as we use. It is stable: names with a version never change.
using Device = void*;
constexpr int kSuccess = 0;
constexpr std::size_t kNameBytes = 96;

struct Memory {
  unsigned long long total;
  unsigned long long free;
  unsigned long long used;
};
struct Utilisation {
  unsigned int gpu;
  unsigned int memory;
};
constexpr int kUncorrected = 1;
constexpr int kSinceDriverLoad = 0;

}  // namespace

/// The loaded library and the functions found in it.
class Nvml::Library {
 public:
  /// Null if there is no library, or no driver behind it.
  static std::unique_ptr<Library> load(const std::string& name) {
    void* handle = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) return nullptr;
    std::unique_ptr<Library> library(new Library(handle));
    if (!library->find_all() || library->init() != kSuccess) return nullptr;
    library->ready_ = true;
    return library;
  }

  ~Library() {
    if (ready_) shutdown();
    ::dlclose(handle_);
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  int (*init)() = nullptr;
  int (*shutdown)() = nullptr;
  int (*count)(unsigned int*) = nullptr;
  int (*device_at)(unsigned int, Device*) = nullptr;
  int (*uuid)(Device, char*, unsigned int) = nullptr;
  int (*name)(Device, char*, unsigned int) = nullptr;
  int (*memory)(Device, Memory*) = nullptr;
  int (*driver)(char*, unsigned int) = nullptr;
  int (*capability)(Device, int*, int*) = nullptr;
  int (*utilisation)(Device, Utilisation*) = nullptr;
  int (*ecc_errors)(Device, int, int, unsigned long long*) = nullptr;  ///< May be absent.
  const char* (*error_text)(int) = nullptr;

  std::vector<Device> devices() const {
    unsigned int number = 0;
    if (count(&number) != kSuccess) return {};
    std::vector<Device> all(number, nullptr);
    for (unsigned int at = 0; at < number; ++at) {
      if (device_at(at, &all[at]) != kSuccess) all[at] = nullptr;
    }
    return all;
  }

 private:
  explicit Library(void* handle) : handle_(handle) {}

  template <class Function>
  bool find(const char* symbol, Function& function) {
    function = reinterpret_cast<Function>(::dlsym(handle_, symbol));
    return function != nullptr;
  }

  bool find_all() {
    find("nvmlDeviceGetTotalEccErrors", ecc_errors);
    return find("nvmlInit_v2", init) && find("nvmlShutdown", shutdown) &&
           find("nvmlDeviceGetCount_v2", count) &&
           find("nvmlDeviceGetHandleByIndex_v2", device_at) && find("nvmlDeviceGetUUID", uuid) &&
           find("nvmlDeviceGetName", name) && find("nvmlDeviceGetMemoryInfo", memory) &&
           find("nvmlSystemGetDriverVersion", driver) &&
           find("nvmlDeviceGetCudaComputeCapability", capability) &&
           find("nvmlDeviceGetUtilizationRates", utilisation) &&
           find("nvmlErrorString", error_text);
  }

  void* handle_;
  bool ready_ = false;
};

namespace {

template <class Library>
std::string health_of(const Library& library, Device device) {
  Memory memory{};
  if (const int code = library.memory(device, &memory); code != kSuccess) {
    return library.error_text(code);
  }
  unsigned long long errors = 0;
  const bool has_count =
      library.ecc_errors != nullptr &&
      library.ecc_errors(device, kUncorrected, kSinceDriverLoad, &errors) == kSuccess;
  if (has_count && errors > 0) return fmt::format("{} uncorrected memory errors", errors);
  return "ok";
}

template <class Library>
domain::Gpu describe(const Library& library, Device device, const std::string& driver) {
  std::array<char, kNameBytes> text{};
  domain::Gpu gpu{.driver = driver};
  if (library.uuid(device, text.data(), text.size()) == kSuccess) gpu.uuid = text.data();
  text.fill('\0');
  if (library.name(device, text.data(), text.size()) == kSuccess) {
    gpu.model = short_model(text.data());
  }
  Memory memory{};
  if (library.memory(device, &memory) == kSuccess) {
    gpu.memory_bytes = static_cast<std::int64_t>(memory.total);
  }
  int major = 0;
  int minor = 0;
  if (library.capability(device, &major, &minor) == kSuccess) {
    gpu.compute_capability = fmt::format("{}.{}", major, minor);
  }
  gpu.health = health_of(library, device);
  return gpu;
}

}  // namespace

Nvml::Nvml(std::unique_ptr<Library> library) : library_(std::move(library)) {}
Nvml::~Nvml() = default;

std::unique_ptr<Nvml> Nvml::open(const std::string& library) {
  return std::unique_ptr<Nvml>(new Nvml(Library::load(library)));
}

std::vector<domain::Gpu> Nvml::inventory() {
  std::vector<domain::Gpu> gpus;
  if (!library_) return gpus;
  std::array<char, kNameBytes> driver{};
  if (library_->driver(driver.data(), driver.size()) != kSuccess) driver.fill('\0');
  for (Device device : library_->devices()) {
    domain::Gpu gpu{.driver = driver.data(), .health = "the driver lost it"};
    if (device != nullptr) gpu = describe(*library_, device, driver.data());
    gpus.push_back(gpu.uuid.empty() ? as_known(gpus.size(), std::move(gpu)) : std::move(gpu));
  }
  for (const domain::Gpu& gpu : known_) {
    if (std::ranges::find(gpus, gpu.uuid, &domain::Gpu::uuid) != gpus.end()) continue;
    gpus.push_back(gpu);
    gpus.back().health = "the driver no longer lists it";
  }
  known_ = gpus;
  return gpus;
}

/// A GPU that does not even say which it is, by what stood in its place before.
domain::Gpu Nvml::as_known(std::size_t place, domain::Gpu silent) const {
  if (place < known_.size()) {
    domain::Gpu gpu = known_[place];
    gpu.health = silent.health == "ok" ? "the driver does not know its UUID" : silent.health;
    return gpu;
  }
  silent.uuid = fmt::format("UNKNOWN-{}", place);
  return silent;
}

std::vector<GpuSample> Nvml::sample() {
  std::vector<GpuSample> samples;
  if (!library_) return samples;
  for (Device device : library_->devices()) {
    GpuSample& sample = samples.emplace_back();
    Utilisation utilisation{};
    Memory memory{};
    if (device == nullptr) continue;
    if (library_->utilisation(device, &utilisation) == kSuccess) {
      sample.permille = static_cast<std::int32_t>(utilisation.gpu * 10);
    }
    if (library_->memory(device, &memory) == kSuccess) {
      sample.memory_bytes = static_cast<std::int64_t>(memory.used);
    }
  }
  return samples;
}

}  // namespace adapters::nvml
