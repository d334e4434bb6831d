#pragma once
#include <memory>

namespace adapters::grpc {

/// Stands between a client and a server on the loopback, for tests of what a network can do. Passes
/// bytes on in both directions until it is told to swallow them.
class TcpRelay {
 public:
  /// Relays to 127.0.0.1:`target`.
  explicit TcpRelay(int target);
  ~TcpRelay();
  int port() const;

  /// From now on reads nothing and passes nothing on, while every connection stays open; new ones
  /// are accepted and get no answer.
  void swallow();
  /// Closes the connection that comes after `good` more, at once.
  void hang_up_after(int good);

 private:
  class Relay;
  std::unique_ptr<Relay> relay_;
};

}  // namespace adapters::grpc
