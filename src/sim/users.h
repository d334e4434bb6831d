#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fakes/scripted_runtime.h"
#include "sim/head.h"

namespace sim {

/// What a program was written to do.
enum class Fate { honest, early, overruns, fails, crashes };

/// People who bid, extend, cancel and grant, and say every wish again until it is answered; some of
/// them ask for nonsense.
class Users {
 public:
  Users(Agenda& agenda, Random& random, Head& head, bool good_programs)
      : agenda_(agenda), random_(random), head_(head), good_programs_(good_programs) {}

  /// Something that someone wants now.
  void act();
  /// An operator's command, with an id of its own.
  void wish(ledger::Wish what);

  struct Bid {
    Fate fate = Fate::honest;
    domain::JobSpec spec;
    std::optional<era::Offer> quoted;  ///< What it was told before it was made.
  };
  const std::map<domain::CommandId, Bid>& bids() const { return bids_; }
  /// Wishes that were answered with success, and those refused as bad.
  const std::set<domain::CommandId>& granted() const { return granted_; }
  const std::set<domain::CommandId>& bad() const { return bad_; }
  /// Jobs that someone cancelled or extended, or tried to.
  const std::set<domain::JobId>& touched() const { return touched_; }
  /// Bids whose quote was gone, by the answer.
  const std::set<domain::CommandId>& gone() const { return gone_; }
  /// Answers to quoted bids that say neither what was quoted nor that it is gone.
  const std::vector<std::string>& unclear() const { return unclear_; }
  /// How often asking for a quote has changed the state.
  int quotes_that_changed() const { return quotes_that_changed_; }
  bool all_answered() const { return waiting_ == 0; }

 private:
  Bid new_bid();
  void bid();
  void quote();
  void make(Bid bid, const char* kind);
  void wait_for_another(domain::JobSpec& spec);
  domain::JobId some_job();
  void note_answer(const domain::CommandId& id, const base::Result<>& answer);
  void nonsense();
  void cancel_or_extend();
  void submit(const ledger::Command& command);
  domain::CommandId next_id(const char* kind);
  Fate fate();
  void write_program(Bid& bid);
  void allow_for_breaks(Bid& bid);
  void allow_for_widths(Bid& bid);
  void make_elastic(domain::Bid& wanted);

  Agenda& agenda_;
  Random& random_;
  Head& head_;
  bool good_programs_;
  std::map<domain::CommandId, Bid> bids_;
  std::set<domain::CommandId> granted_;
  std::set<domain::CommandId> bad_;
  std::set<domain::CommandId> gone_;
  std::vector<std::string> unclear_;
  int quotes_that_changed_ = 0;
  std::set<domain::CommandId> answered_;
  std::set<domain::JobId> touched_;
  int waiting_ = 0;
  int commands_ = 0;
};

/// What a rank does on its machine: as its bidder wrote it into the program's variables.
fakes::RankScript script_of(const ports::Launch& launch);

}  // namespace sim
