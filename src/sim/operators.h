#pragma once
#include <memory>
#include <string>
#include <vector>

#include "sim/host.h"
#include "sim/users.h"

namespace sim {

/// People who run the cluster: they close nodes for a time, and have some switched off while nobody
/// needs them, by a provider that switches the hosts.
class Operators {
 public:
  Operators(Agenda& agenda, Users& users, Head& head,
            const std::vector<std::unique_ptr<Host>>& hosts, Random random)
      : agenda_(agenda), users_(users), head_(head), hosts_(hosts), random_(random) {}

  /// Closes some nodes; also where a promise breaks, if `may_break`. Sometimes takes that back.
  void close_nodes(bool may_break);
  /// From now on some nodes are off while nobody needs them.
  void set_policies();
  /// After every batch of the controller: does what it asks the provider for.
  void switch_hosts();
  /// Everything is open, on, and stays so.
  void make_peace();

  /// What was still alive on hosts when they were switched off.
  const std::vector<std::string>& killed() const { return killed_; }
  const std::map<std::string, int>& happened() const { return happened_; }

 private:
  Host& any_host() { return *hosts_[static_cast<std::size_t>(random_.pick(std::ssize(hosts_)))]; }
  Host& host_of(const domain::NodeId& node);
  void do_as_asked(const controller::PowerAsk& ask);
  domain::ClosedTime some_time();

  Agenda& agenda_;
  Users& users_;
  Head& head_;
  const std::vector<std::unique_ptr<Host>>& hosts_;
  Random random_;
  int closures_ = 0;
  std::vector<std::string> killed_;
  std::map<std::string, int> happened_;
};

}  // namespace sim
