#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "controller/desk.h"

namespace adapters::scheduler_service {

class Watch;

/// The watchers who have caught up, told each new fact: one follower of the desk for all of them,
/// however many come and go. Thread-safe.
class Watches : public std::enable_shared_from_this<Watches> {
 public:
  explicit Watches(controller::Desk& desk) : desk_(desk) {}

  /// Counts one more watch of `user`; false at the limit, of all or of one.
  bool enter(const domain::UserId& user);
  void leave(const domain::UserId& user);

  /// Tells `watch` every fact from `reading.position` on. False if the desk is too busy. Control
  /// thread only.
  bool join(const std::shared_ptr<Watch>& watch, const controller::Reading& reading);

 private:
  struct Following;
  void tell(const controller::PlacedFact& placed);
  /// No more facts come: each watcher is told to come again.
  void lose();

  controller::Desk& desk_;
  std::mutex mutex_;
  std::vector<std::weak_ptr<Watch>> caught_up_;
  bool follows_ = false;

  std::mutex counts_mutex_;  ///< Taken by watches that hold their own lock; the other never is.
  std::map<domain::UserId, int> open_of_;
  int open_ = 0;
};

}  // namespace adapters::scheduler_service
