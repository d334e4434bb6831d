#pragma once
#include <cstddef>
#include <cstdint>

namespace shim {

/// One short line of text, built without allocation. What does not fit is cut.
class Line {
 public:
  Line& add(const char* text);
  Line& add(long number);
  const char* text() const { return text_; }
  /// Writes the line into `file` at `offset`.
  bool write_to(int file, long offset) const;

 private:
  static constexpr std::size_t kCapacity = 128;
  char text_[kCapacity] = {};
  std::size_t size_ = 0;
};

std::size_t length_of(const char* text);
bool is_equal(const char* text, const char* other);

/// The digits at the beginning of `text` as a number; -1 if there are none.
std::int64_t number_in(const char* text);

/// Reads a small file into `text`, NUL-terminated. Returns its length, negative if it cannot be
/// read.
long read_text(const char* path, char* text, std::size_t capacity);

/// Field `number` of the text of a /proc/PID/stat file, from 3 (the state) on; -1 if there is none.
/// The command's name may hold spaces and parentheses.
std::int64_t stat_field(const char* status, int number);
inline constexpr int kStatParent = 4;
inline constexpr int kStatStartTicks = 22;

}  // namespace shim
