#pragma once
#include <utility>

namespace adapters::process {

/// An open file descriptor that closes itself; empty when negative.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// Makes `descriptor` empty now.
inline void close(Descriptor& descriptor) { Descriptor gone = std::move(descriptor); }

}  // namespace adapters::process
