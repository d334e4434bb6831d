#include "replay/repeats.h"

#include <algorithm>

namespace replay {

bool Repeats::note(const AskedBid& bid) {
  constexpr std::size_t kLookedAt = 64;
  auto& asked = asked_[bid.team];
  const auto same = std::ranges::find_if(asked, [&](const AskedBid& before) {
    return before.at < bid.at && before.user == bid.user && before.program == bid.program;
  });
  const bool again = same != asked.end() && same->refused && same->deadline > bid.at;
  asked.push_front(bid);
  if (asked.size() > kLookedAt) asked.pop_back();
  return again;
}

}  // namespace replay
