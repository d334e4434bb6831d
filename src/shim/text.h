#pragma once
#include <cstddef>

namespace shim {

/// One short line of text, built without allocation. What does not fit is cut.
class Line {
 public:
  Line& add(const char* text);
  Line& add(long number);
  const char* text() const { return text_; }
  std::size_t size() const { return size_; }
  /// Writes the line into `file` at `offset`.
  bool write_to(int file, long offset) const;

 private:
  static constexpr std::size_t kCapacity = 128;
  char text_[kCapacity] = {};
  std::size_t size_ = 0;
};

/// Reads a small file into `text`, NUL-terminated. Returns its length, -1 if it cannot be read.
long read_text(const char* path, char* text, std::size_t capacity);

/// The start time in the text of a /proc/PID/stat file, in clock ticks since boot; 0 if there is
/// none. The command's name may hold spaces and parentheses.
long start_ticks(const char* status);

}  // namespace shim
