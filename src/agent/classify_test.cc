#include "agent/classify.h"

#include <gtest/gtest.h>

namespace agent {
namespace {

using domain::ExitCause;

struct Case {
  ports::RankEnd end;
  std::string log;
  ExitCause cause;
  std::string detail;
};

const Case kCases[] = {
    {{}, "", ExitCause::success, ""},
    {{}, "CUDA out of memory, but caught", ExitCause::success, ""},
    {{.exit_code = 1, .cause = ExitCause::failed}, "", ExitCause::failed, "ended with code 1"},
    {{.exit_code = 1, .cause = ExitCause::failed},
     "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB",
     ExitCause::out_of_memory,
     "ended with code 1: the GPU ran out of memory"},
    {{.exit_code = 1, .cause = ExitCause::failed},
     "Traceback (most recent call last):\nMemoryError\n",
     ExitCause::out_of_memory,
     "ended with code 1: the program ran out of memory"},
    {{.signal = 9, .cause = ExitCause::out_of_memory, .detail = "used more than its 2 GiB"},
     "",
     ExitCause::out_of_memory,
     "used more than its 2 GiB"},
    {{.exit_code = 1, .cause = ExitCause::failed},
     "RuntimeError: [c10d] The server socket cannot bind: Address already in use (errno: 98)",
     ExitCause::port_in_use,
     "ended with code 1: a port that it needs is in use"},
    {{.exit_code = 1, .cause = ExitCause::failed},
     "Error: listen EADDRINUSE: port 80",
     ExitCause::port_in_use,
     "ended with code 1: a port that it needs is in use"},
    {{.exit_code = 1, .cause = ExitCause::failed},
     "OSError: [Errno 28] No space left on device",
     ExitCause::disk_full,
     "ended with code 1: a disk is full"},
    {{.signal = 6, .cause = ExitCause::crashed},
     "RuntimeError: CUDA error: an illegal memory access was encountered",
     ExitCause::gpu_fault,
     "killed by SIGABRT: the GPU met an illegal memory access"},
    {{.exit_code = 1, .cause = ExitCause::failed},
     "NVRM: Xid (PCI:0000:3b:00): 79, GPU has fallen off the bus.",
     ExitCause::gpu_fault,
     "ended with code 1: the driver reported a GPU fault (Xid)"},
    {{.exit_code = 1, .cause = ExitCause::failed},
     "CUDA error: uncorrectable ECC error encountered",
     ExitCause::gpu_fault,
     "ended with code 1: the GPU's memory is faulty (ECC)"},
    {{.exit_code = 1, .cause = ExitCause::failed},
     "RuntimeError: [gloo/transport/tcp/pair.cc:598] Connection reset by peer",
     ExitCause::failed,
     "ended with code 1: it lost the connection to another rank"},
    {{.exit_code = 1, .cause = ExitCause::failed},
     "CUDA out of memory.\n[gloo] Connection reset by peer",
     ExitCause::out_of_memory,
     "ended with code 1: the GPU ran out of memory"},
    {{.signal = 11, .cause = ExitCause::crashed}, "", ExitCause::crashed, "killed by SIGSEGV"},
    {{.exit_code = 139, .cause = ExitCause::failed},
     "",
     ExitCause::failed,
     "ended with code 139 (SIGSEGV inside)"},
    {{.signal = 6, .cause = ExitCause::crashed},
     "Connection closed by peer",
     ExitCause::crashed,
     "killed by SIGABRT: it lost the connection to another rank"},
    {{.exit_code = 127, .cause = ExitCause::cannot_start, .detail = "no such program"},
     "CUDA out of memory",
     ExitCause::cannot_start,
     "no such program"},
    {{.exit_code = 0, .cause = ExitCause::shim_lost},
     "",
     ExitCause::shim_lost,
     "ended with code 0"},
    {{.exit_code = 0, .cause = ExitCause::failed},
     "",
     ExitCause::failed,
     "ended with code 0, but its runtime calls it a failure"},
    {{.exit_code = 2, .cause = ExitCause::success}, "", ExitCause::failed, "ended with code 2"},
};

TEST(Classify, NamesTheCause) {
  for (const Case& each : kCases) {
    const ports::RankEnd end = classify(each.end, each.log);
    EXPECT_EQ(static_cast<int>(end.cause), static_cast<int>(each.cause)) << each.log;
    EXPECT_EQ(end.detail, each.detail) << each.log;
  }
}

}  // namespace
}  // namespace agent
