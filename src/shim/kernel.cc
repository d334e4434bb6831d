#include "shim/kernel.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include <bit>

namespace shim::kernel {

long spawn(clone_args& how, void (*enter)(void*), void* argument) {
  how.flags |= CLONE_VM | CLONE_VFORK;
#if defined(__x86_64__)
  long answer = SYS_clone3;
  asm volatile(
      "syscall\n"
      "test %%rax, %%rax\n"
      "jnz 1f\n"
      "xor %%ebp, %%ebp\n"
      "mov %[argument], %%rdi\n"
      "call *%[enter]\n"
      "ud2\n"
      "1:\n"
      : "+a"(answer)
      : "D"(&how), "S"(sizeof how), [enter] "r"(enter), [argument] "r"(argument)
      : "rcx", "r11", "memory");
  return answer;
#elif defined(__aarch64__)
  register long which asm("x8") = SYS_clone3;
  register long first asm("x0") = word(&how);
  register long second asm("x1") = sizeof how;
  asm volatile(
      "svc 0\n"
      "cbnz x0, 1f\n"
      "mov x29, #0\n"
      "mov x0, %[argument]\n"
      "blr %[enter]\n"
      "brk #1\n"
      "1:\n"
      : "+r"(first)
      : "r"(which), "r"(second), [enter] "r"(enter), [argument] "r"(argument)
      : "x30", "memory");
  return first;
#endif
}

void exit(int status) {
  for (;;) call(SYS_exit_group, status);
}

int open(const char* path, int flags, int mode) {
  return static_cast<int>(call(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, mode));
}

long read(int file, void* bytes, std::size_t capacity) {
  return call(SYS_read, file, bytes, static_cast<long>(capacity));
}

void close(int file) { call(SYS_close, file); }

char* map_memory(std::size_t bytes) {
  const long at = call(SYS_mmap, nullptr, static_cast<long>(bytes), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return at < 0 && at > -4096 ? nullptr : std::bit_cast<char*>(at);
}

void block_signals(Signals these) {
  call(SYS_rt_sigprocmask, SIG_SETMASK, &these, nullptr, static_cast<long>(sizeof these));
}

std::int64_t clock_ms(int clock) {
  timespec now{};
  call(SYS_clock_gettime, clock, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace shim::kernel
