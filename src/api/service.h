#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "api/api.h"
#include "api/call.h"

namespace api {

using controller::Reading;

/// What all routes share: the way to the state with the caller's rights checked on it.
class Service {
 public:
  Service(controller::Desk& desk, ports::FileStore& files, const ports::Clock& clock,
          Options options);

  /// Looks at the state and replies. Runs on the control thread once the caller is let in.
  using Look = std::function<Answer(const Call&, const Reading&)>;
  void look(const CallPtr& call, Look look);
  /// The same for those who reply themselves, later.
  void enter(const CallPtr& call, std::function<void(const Reading&)> inside);

  /// Wishes for a change. `wish` looks at the state and may say no; `answer` sees the change made.
  using MakeWish = std::function<base::Result<ledger::Wish>(const Call&, const Reading&)>;
  void change(const CallPtr& call, MakeWish wish, Look answer);
  /// Has a wish decided without a reply to a caller.
  void submit(ledger::Command command, controller::Desk::Reply reply);

  /// The id of the command that a call wishes for: the same for a retry with the same key.
  base::Result<domain::CommandId> command_id(const Call& call) const;

  /// The id of what a call makes: from the command, so that a retry finds what it made. To be
  /// asked inside a change.
  std::string object_id(const Call& call) const;

  /// Runs `work` where it may block, then replies with what it gives.
  void block(const CallPtr& call, std::function<Answer()> work);

  /// Remembers who a token belongs to, for the hot path; see known_asker. Control thread only.
  void remember(const Call& call, const Reading& reading);
  /// The caller, if the token was seen to be good and nobody's access has changed since. Any
  /// thread.
  std::optional<Asker> known_asker(const Call& call) const;

  controller::Desk& desk() { return desk_; }
  ports::FileStore& files() { return files_; }
  const ports::Clock& clock() const { return clock_; }
  const Options& options() const { return options_; }
  domain::Time started() const { return started_; }

  /// Wrong passwords of the last minute, by peer and user. Control thread only.
  struct Failures {
    domain::Time since;
    int count = 0;
  };
  std::map<std::string, Failures> failures;
  std::atomic<int> logins = 0;   ///< Passwords that are being checked now.
  std::atomic<int> reports = 0;  ///< Reports that are being made now.

 private:
  struct KnownToken {
    Asker asker;
    domain::Time expires;
  };
  using KnownTokens = std::map<std::string, KnownToken>;

  base::Result<> let_in(Call& call, const Reading& reading);
  void follow_access(const Reading& reading);

  controller::Desk& desk_;
  ports::FileStore& files_;
  const ports::Clock& clock_;
  const Options options_;
  const domain::Time started_;
  std::atomic<std::shared_ptr<const KnownTokens>> known_;
  bool follows_access_ = false;  ///< Control thread only.
};

/// Says no to a caller who does not have `needed`.
base::Result<> check_role(const Call& call, Role needed);

/// "the controller is busy": its queue is full.
base::Error busy();

}  // namespace api
