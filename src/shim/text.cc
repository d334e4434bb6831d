#include "shim/text.h"

#include <fcntl.h>
#include <sys/syscall.h>

#include "shim/kernel.h"

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
  const auto size = static_cast<long>(size_);
  return kernel::call(SYS_pwrite64, file, text_, size, offset) == size;
}

std::size_t length_of(const char* text) {
  std::size_t length = 0;
  while (text[length] != '\0') ++length;
  return length;
}

bool is_equal(const char* text, const char* other) {
  while (*text != '\0' && *text == *other) {
    ++text;
    ++other;
  }
  return *text == *other;
}

std::int64_t number_in(const char* text) {
  if (*text < '0' || *text > '9') return -1;
  std::int64_t number = 0;
  for (; *text >= '0' && *text <= '9'; ++text) number = number * 10 + (*text - '0');
  return number;
}

long read_text(const char* path, char* text, std::size_t capacity) {
  const int file = kernel::open(path, O_RDONLY);
  if (file < 0) return file;
  const long size = kernel::read(file, text, capacity - 1);
  kernel::close(file);
  if (size >= 0) text[size] = '\0';
  return size;
}

std::int64_t stat_field(const char* status, int number) {
  const char* at = nullptr;
  for (const char* next = status; *next != '\0'; ++next) {
    if (*next == ')') at = next;
  }
  // The name in parentheses is field 2.
  for (int field = 2; at != nullptr && field < number; ++field) {
    ++at;
    while (*at != '\0' && *at != ' ') ++at;
    if (*at == '\0') at = nullptr;
  }
  return at == nullptr ? -1 : number_in(at + 1);
}

}  // namespace shim
