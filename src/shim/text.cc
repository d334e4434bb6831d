#include "shim/text.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace shim {

Line& Line::add(const char* text) {
  while (*text != '\0' && size_ + 1 < kCapacity) text_[size_++] = *text++;
  text_[size_] = '\0';
  return *this;
}

Line& Line::add(long number) {
  char digits[24] = {};
  std::size_t at = sizeof digits - 1;
  unsigned long rest =
      number < 0 ? 0UL - static_cast<unsigned long>(number) : static_cast<unsigned long>(number);
  do {
    digits[--at] = static_cast<char>('0' + rest % 10);
    rest /= 10;
  } while (rest > 0);
  if (number < 0) digits[--at] = '-';
  return add(digits + at);
}

bool Line::write_to(int file, long offset) const {
  return pwrite(file, text_, size_, offset) == static_cast<ssize_t>(size_);
}

long read_text(const char* path, char* text, std::size_t capacity) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  const ssize_t size = read(file, text, capacity - 1);
  close(file);
  if (size >= 0) text[size] = '\0';
  return size;
}

long start_ticks(const char* status) {
  const char* at = strrchr(status, ')');
  // The start time is field 22; the name in parentheses is field 2.
  for (int field = 2; at != nullptr && field < 22; ++field) at = strchr(at + 1, ' ');
  return at == nullptr ? 0 : strtol(at, nullptr, 10);
}

}  // namespace shim
