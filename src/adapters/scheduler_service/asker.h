#pragma once
#include <string>

#include "controller/desk.h"
#include "words/jobs.h"

namespace adapters::scheduler_service {

/// Who calls, once their token has been seen to be good.
struct Asker {
  domain::UserId user;
  domain::TeamId team;
  ledger::access::Role role = ledger::access::Role::member;
  std::string token_id;
  domain::Time expires;  ///< Of the token.
  words::Language language = words::Language::en;

  /// Operators and admins see every team.
  bool sees_all() const { return role >= ledger::access::Role::operator_; }
  bool sees(const domain::TeamId& owner) const { return sees_all() || owner == team; }
};

/// What a call brings along to say who it is from.
struct Credentials {
  std::string token_hash;  ///< Empty: no token came.
  words::Language language = words::Language::en;
};

/// The user whose token it is; fails with `unauthenticated`. O(log tokens).
base::Result<Asker> find_asker(const Credentials& credentials, const controller::Reading& reading);

/// The job, if there is one that `asker` may see; else `not_found`, so that nobody learns what
/// other teams have.
base::Result<const ledger::jobs::Job*> find_job(const Asker& asker,
                                                const controller::Reading& reading,
                                                domain::JobId id);

/// For whom sentences are made. Valid as long as both arguments.
words::Reader reader_of(const Asker& asker, const controller::Reading& reading);

}  // namespace adapters::scheduler_service
