#include "adapters/beast/peers.h"

namespace adapters::beast {

Peers::List& Peers::list(PeerGroup group) {
  switch (group) {
    case PeerGroup::fresh:
      return fresh_;
    case PeerGroup::idle:
      return idle_;
    case PeerGroup::busy:
      break;
  }
  return busy_;
}

void Peers::add(std::shared_ptr<Peer> peer, PeerGroup group) {
  Peer& added = *peer;
  List& target = list(group);
  added.group_ = group;
  added.place_ = target.insert(target.end(), std::move(peer));
}

void Peers::move(Peer& peer, PeerGroup group) {
  List& target = list(group);
  target.splice(target.end(), list(peer.group_), peer.place_);
  peer.group_ = group;
}

void Peers::remove(Peer& peer) { list(peer.group_).erase(peer.place_); }

bool Peers::make_room() {
  List& candidates = fresh_.empty() ? idle_ : fresh_;
  if (candidates.empty()) return false;
  const std::shared_ptr<Peer> oldest = candidates.front();
  oldest->abort();
  return true;
}

std::vector<std::shared_ptr<Peer>> Peers::select(const std::function<bool(const Peer&)>& wanted) {
  std::vector<std::shared_ptr<Peer>> selected;
  for (const List* peers : {&fresh_, &idle_, &busy_}) {
    for (const auto& peer : *peers) {
      if (wanted(*peer)) selected.push_back(peer);
    }
  }
  return selected;
}

void Peers::expire(SteadyTime now) {
  // What is told may leave the lists, so they are not walked meanwhile.
  for (const auto& peer : select([now](const Peer& p) { return p.deadline <= now; })) {
    peer->expire();
  }
}

void Peers::finish_all() {
  for (const auto& peer : select([](const Peer&) { return true; })) peer->finish();
}

void Peers::abort_all() {
  for (const auto& peer : select([](const Peer&) { return true; })) peer->abort();
}

}  // namespace adapters::beast
