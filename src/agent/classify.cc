#include "agent/classify.h"

#include <fmt/format.h>

#include <array>
#include <span>

namespace agent {
namespace {

using domain::ExitCause;

struct Rule {
  std::string_view text;  ///< In the log, as it stands.
  ExitCause cause;
  std::string_view sentence;
};

/// The first that is found decides: a rank that ran out of memory also loses its peers, and a
/// broken GPU also fails to allocate.
constexpr auto kRules = std::to_array<Rule>({
    {"NVRM: Xid", ExitCause::gpu_fault, "the driver reported a GPU fault (Xid)"},
    {"uncorrectable ECC error", ExitCause::gpu_fault, "the GPU's memory is faulty (ECC)"},
    {"an illegal memory access", ExitCause::gpu_fault, "the GPU met an illegal memory access"},
    {"CUDA error: unspecified launch failure", ExitCause::gpu_fault, "a kernel failed on the GPU"},
    {"CUDA error: device-side assert", ExitCause::failed, "an assertion failed on the GPU"},
    {"GPU has fallen off the bus", ExitCause::gpu_fault, "the GPU has fallen off the bus"},
    {"no CUDA-capable device is detected", ExitCause::gpu_fault, "the GPU could not be found"},
    {"CUDA out of memory", ExitCause::out_of_memory, "the GPU ran out of memory"},
    {"CUDA error: out of memory", ExitCause::out_of_memory, "the GPU ran out of memory"},
    {"CUDA_ERROR_OUT_OF_MEMORY", ExitCause::out_of_memory, "the GPU ran out of memory"},
    {"cuda.OutOfMemoryError", ExitCause::out_of_memory, "the GPU ran out of memory"},
    {"CUBLAS_STATUS_ALLOC_FAILED", ExitCause::out_of_memory, "the GPU ran out of memory"},
    {"MemoryError", ExitCause::out_of_memory, "the program ran out of memory"},
    {"can't allocate memory", ExitCause::out_of_memory, "the program ran out of memory"},
    {"Cannot allocate memory", ExitCause::out_of_memory, "the program ran out of memory"},
    {"std::bad_alloc", ExitCause::out_of_memory, "the program ran out of memory"},
    {"oom-kill", ExitCause::out_of_memory, "the kernel killed it for lack of memory"},
    {"NCCL WARN Cuda failure", ExitCause::gpu_fault, "NCCL met a failure of the GPU"},
    {"NCCL WARN NET/IB", ExitCause::gpu_fault, "NCCL met a failure of the network adapter"},
    {"No space left on device", ExitCause::disk_full, "a disk is full"},
    {"ENOSPC", ExitCause::disk_full, "a disk is full"},
    {"Disk quota exceeded", ExitCause::disk_full, "the disk quota is used up"},
    {"Address already in use", ExitCause::port_in_use, "a port that it needs is in use"},
    {"EADDRINUSE", ExitCause::port_in_use, "a port that it needs is in use"},
    {"Connection reset by peer", ExitCause::failed, "it lost the connection to another rank"},
    {"Connection closed by peer", ExitCause::failed, "it lost the connection to another rank"},
    {"Connection refused", ExitCause::failed, "it could not reach another rank"},
    {"remote process exited or there was a network error", ExitCause::failed,
     "it lost the connection to another rank"},
    {"Watchdog caught collective operation timeout", ExitCause::failed,
     "it waited too long for the other ranks"},
});

struct SignalName {
  std::int32_t number;
  std::string_view name;
};
constexpr auto kSignals = std::to_array<SignalName>({
    {1, "SIGHUP"},
    {2, "SIGINT"},
    {3, "SIGQUIT"},
    {4, "SIGILL"},
    {5, "SIGTRAP"},
    {6, "SIGABRT"},
    {7, "SIGBUS"},
    {8, "SIGFPE"},
    {9, "SIGKILL"},
    {11, "SIGSEGV"},
    {13, "SIGPIPE"},
    {14, "SIGALRM"},
    {15, "SIGTERM"},
    {24, "SIGXCPU"},
    {25, "SIGXFSZ"},
});

std::string signal_name(std::int32_t number) {
  for (const SignalName& signal : kSignals) {
    if (signal.number == number) return std::string(signal.name);
  }
  return fmt::format("signal {}", number);
}

/// How it ended in words, without the reason.
std::string ending(const ports::RankEnd& end) {
  if (end.signal != 0) return fmt::format("killed by {}", signal_name(end.signal));
  if (end.exit_code > 128 && end.exit_code < 160) {
    return fmt::format("ended with code {} ({} inside)", end.exit_code,
                       signal_name(end.exit_code - 128));
  }
  return fmt::format("ended with code {}", end.exit_code);
}

bool is_certain(ExitCause cause) {
  return cause != ExitCause::success && cause != ExitCause::failed && cause != ExitCause::crashed;
}

const Rule* find_rule(std::string_view log_tail) {
  for (const Rule& rule : kRules) {
    if (log_tail.contains(rule.text)) return &rule;
  }
  return nullptr;
}

}  // namespace

ports::RankEnd classify(ports::RankEnd end, std::string_view log_tail) {
  if (is_certain(end.cause)) {
    if (end.detail.empty()) end.detail = ending(end);
    return end;
  }
  if (end.exit_code == 0 && end.signal == 0) {
    if (end.cause != ExitCause::success && end.detail.empty()) {
      end.detail = "ended with code 0, but its runtime calls it a failure";
    }
    return end;
  }
  const Rule* rule = find_rule(log_tail);
  if (rule == nullptr) {
    end.cause = end.signal != 0 ? ExitCause::crashed : ExitCause::failed;
    if (end.detail.empty()) end.detail = ending(end);
    return end;
  }
  end.cause = rule->cause;
  if (rule->cause == ExitCause::failed && end.signal != 0) end.cause = ExitCause::crashed;
  end.detail = fmt::format("{}: {}", ending(end), rule->sentence);
  return end;
}

}  // namespace agent
