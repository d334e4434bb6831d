// Two GPUs behind the interface of the driver's library, which a test may lose and bring back.
#include <array>
#include <cstdio>

namespace {

constexpr int kSuccess = 0;
constexpr int kIsLost = 15;

struct Gpu {
  const char* uuid;
  bool is_lost = false;
};
std::array<Gpu, 2> gpus{{{"GPU-a"}, {"GPU-b"}}};
unsigned int listed = gpus.size();

bool is_lost(void* device) { return static_cast<Gpu*>(device)->is_lost; }

struct Memory {
  unsigned long long total, free, used;
};
struct Utilisation {
  unsigned int gpu, memory;
};

}  // namespace

extern "C" {
/// Of the test: from now on GPU `at` answers nothing, or answers again.
void pretended_lose(unsigned int at, bool lost) { gpus.at(at).is_lost = lost; }
/// Of the test: from now on only the first `count` are listed.
void pretended_list(unsigned int count) { listed = count; }

int nvmlInit_v2() { return kSuccess; }
int nvmlShutdown() { return kSuccess; }
int nvmlDeviceGetCount_v2(unsigned int* count) {
  *count = listed;
  return kSuccess;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned int at, void** device) {
  *device = &gpus.at(at);
  return is_lost(*device) ? kIsLost : kSuccess;
}
int nvmlDeviceGetUUID(void* device, char* text, unsigned int capacity) {
  std::snprintf(text, capacity, "%s", static_cast<Gpu*>(device)->uuid);
  return kSuccess;
}
int nvmlDeviceGetName(void*, char* text, unsigned int capacity) {
  std::snprintf(text, capacity, "NVIDIA A100-SXM4-80GB");
  return kSuccess;
}
int nvmlDeviceGetMemoryInfo(void* device, Memory* memory) {
  *memory = {.total = 1'000, .free = 900, .used = 100};
  return is_lost(device) ? kIsLost : kSuccess;
}
int nvmlSystemGetDriverVersion(char* text, unsigned int capacity) {
  std::snprintf(text, capacity, "550.1");
  return kSuccess;
}
int nvmlDeviceGetCudaComputeCapability(void*, int* major, int* minor) {
  *major = 8;
  *minor = 0;
  return kSuccess;
}
int nvmlDeviceGetUtilizationRates(void* device, Utilisation* rates) {
  *rates = {.gpu = 50, .memory = 10};
  return is_lost(device) ? kIsLost : kSuccess;
}
const char* nvmlErrorString(int code) { return code == kIsLost ? "GPU is lost" : "another error"; }
}
