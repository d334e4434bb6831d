#pragma once
#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <vector>

namespace adapters::beast {

using SteadyTime = std::chrono::steady_clock::time_point;

/// What a peer is doing, for choosing whom to drop when there are too many.
enum class PeerGroup {
  fresh,  ///< It has not sent one whole request yet.
  idle,   ///< Between requests.
  busy,   ///< A request of it is in hand, or it is a WebSocket.
};

/// One accepted connection. Used on its net thread only.
class Peer {
 public:
  virtual ~Peer() = default;
  /// Its deadline has passed.
  virtual void expire() = 0;
  /// Ends it at once.
  virtual void abort() = 0;
  /// The server stops: end as soon as what is in hand is answered.
  virtual void finish() = 0;

  SteadyTime deadline = SteadyTime::max();

 private:
  friend class Peers;
  PeerGroup group_ = PeerGroup::fresh;
  std::list<std::shared_ptr<Peer>>::iterator place_;
};

/// The connections of one net thread. All operations but those on everybody are O(1).
class Peers {
 public:
  void add(std::shared_ptr<Peer> peer, PeerGroup group);
  /// Puts `peer` at the young end of `group`.
  void move(Peer& peer, PeerGroup group);
  /// Lets go of `peer`; it may be gone after this. Each peer is removed once.
  void remove(Peer& peer);

  /// Aborts the oldest fresh peer, else the one idle for longest. False if all are busy.
  bool make_room();
  /// Tells those whose deadline has passed; O(peers).
  void expire(SteadyTime now);
  void finish_all();
  void abort_all();

  std::size_t size() const { return fresh_.size() + idle_.size() + busy_.size(); }

 private:
  using List = std::list<std::shared_ptr<Peer>>;
  List& list(PeerGroup group);
  std::vector<std::shared_ptr<Peer>> select(const std::function<bool(const Peer&)>& wanted);

  List fresh_, idle_, busy_;  ///< Each oldest first.
};

}  // namespace adapters::beast
