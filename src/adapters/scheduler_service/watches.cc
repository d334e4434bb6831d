#include "adapters/scheduler_service/watches.h"

#include <utility>

#include "adapters/scheduler_service/scheduler_service.h"
#include "adapters/scheduler_service/watch.h"

namespace adapters::scheduler_service {

/// Held by the desk as long as it tells facts.
struct Watches::Following {
  explicit Following(std::weak_ptr<Watches> all) : watches(std::move(all)) {}
  Following(const Following&) = delete;
  Following& operator=(const Following&) = delete;
  ~Following() {
    if (const auto all = watches.lock()) all->lose();
  }
  std::weak_ptr<Watches> watches;
};

bool Watches::enter(const domain::UserId& user) {
  const std::lock_guard lock(counts_mutex_);
  if (open_ >= SchedulerService::kMostWatches) return false;
  int& of_user = open_of_[user];
  if (of_user >= SchedulerService::kMostWatchesOfOne) return false;
  ++of_user;
  ++open_;
  return true;
}

void Watches::leave(const domain::UserId& user) {
  const std::lock_guard lock(counts_mutex_);
  --open_;
  const auto of_user = open_of_.find(user);
  if (--of_user->second == 0) open_of_.erase(of_user);
}

bool Watches::join(const std::shared_ptr<Watch>& watch, const controller::Reading& reading) {
  bool must_follow = false;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(caught_up_, [](const auto& one) { return one.expired(); });
    caught_up_.push_back(watch);
    must_follow = !std::exchange(follows_, true);
  }
  if (!must_follow) return true;
  auto following = std::make_shared<Following>(weak_from_this());
  return desk_.follow(reading.position,
                      [following = std::move(following)](const controller::PlacedFact& placed) {
                        const auto all = following->watches.lock();
                        if (all) all->tell(placed);
                        return all != nullptr;
                      });
}

void Watches::tell(const controller::PlacedFact& placed) {
  const std::lock_guard lock(mutex_);
  if (caught_up_.empty()) return;
  const auto fact = std::make_shared<const controller::PlacedFact>(placed);
  std::erase_if(caught_up_, [&](const std::weak_ptr<Watch>& one) {
    const auto watch = one.lock();
    if (watch) watch->tell(fact);
    return !watch;
  });
}

void Watches::lose() {
  std::vector<std::weak_ptr<Watch>> lost;
  {
    const std::lock_guard lock(mutex_);
    follows_ = false;
    lost.swap(caught_up_);
  }
  for (const auto& one : lost) {
    if (const auto watch = one.lock()) watch->lose();
  }
}

}  // namespace adapters::scheduler_service
