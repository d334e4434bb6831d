#pragma once
#include <cstddef>
#include <cstdint>

struct clone_args;

/// The kernel without the C library, whose start-up would cost more than all else that a shim does.
/// Every function answers what the kernel answers: an error is a negative errno.
namespace shim::kernel {

template <typename T>
long word(T* pointer) {
  return reinterpret_cast<long>(pointer);
}
inline long word(std::nullptr_t) { return 0; }
inline long word(long number) { return number; }

/// One system call with up to six arguments.
template <typename... Arguments>
long call(long number, Arguments... arguments) {
  const long words[6] = {word(arguments)...};
#if defined(__x86_64__)
  register long fourth asm("r10") = words[3];
  register long fifth asm("r8") = words[4];
  register long sixth asm("r9") = words[5];
  long answer = number;
  asm volatile("syscall"
               : "+a"(answer)
               : "D"(words[0]), "S"(words[1]), "d"(words[2]), "r"(fourth), "r"(fifth), "r"(sixth)
               : "rcx", "r11", "memory");
  return answer;
#elif defined(__aarch64__)
  register long which asm("x8") = number;
  register long first asm("x0") = words[0];
  register long second asm("x1") = words[1];
  register long third asm("x2") = words[2];
  register long fourth asm("x3") = words[3];
  register long fifth asm("x4") = words[4];
  register long sixth asm("x5") = words[5];
  asm volatile("svc 0"
               : "+r"(first)
               : "r"(which), "r"(second), "r"(third), "r"(fourth), "r"(fifth), "r"(sixth)
               : "memory");
  return first;
#else
#error "the shim knows the system calls of x86-64 and of 64-bit Arm only"
#endif
}

/// Starts a child that shares this process's memory, on the stack that `how` names, and waits until
/// it has become another program or has ended. `enter` must not return.
long spawn(clone_args& how, void (*enter)(void*), void* argument);

[[noreturn]] void exit(int status);

/// Opens a file that the command does not inherit.
int open(const char* path, int flags, int mode = 0);
long read(int file, void* bytes, std::size_t capacity);
void close(int file);

/// Zeroed memory; null if there is none.
char* map_memory(std::size_t bytes);

/// Sets of signals as the kernel knows them.
using Signals = std::uint64_t;
constexpr Signals kAllSignals = ~Signals{0};
constexpr Signals set_of(int signal) { return Signals{1} << (signal - 1); }
/// Blocks these, and no others.
void block_signals(Signals these);

/// Milliseconds of one of the kernel's clocks.
std::int64_t clock_ms(int clock);

}  // namespace shim::kernel
