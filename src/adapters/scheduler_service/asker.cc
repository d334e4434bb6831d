#include "adapters/scheduler_service/asker.h"

#include "ledger/jobs/jobs.h"

namespace adapters::scheduler_service {

using base::ErrorCode;
using ledger::jobs::Job;

base::Result<Asker> find_asker(const Credentials& credentials, const controller::Reading& reading) {
  const auto& access = reading.state.access;
  if (credentials.token_hash.empty()) {
    return base::fail(ErrorCode::unauthenticated, "{}",
                      words::say(credentials.language, "error.no_token"));
  }
  const auto* user = ledger::access::find_by_token(access, credentials.token_hash, reading.now);
  if (user == nullptr) {
    return base::fail(ErrorCode::unauthenticated, "{}",
                      words::say(credentials.language, "error.bad_token"));
  }
  const std::string& token = access.token_ids.at(credentials.token_hash);
  return Asker{.user = user->name,
               .team = user->team,
               .role = user->role,
               .token_id = token,
               .expires = access.tokens.at(token).expires,
               .language = credentials.language};
}

base::Result<const Job*> find_job(const Asker& asker, const controller::Reading& reading,
                                  domain::JobId id) {
  const Job* job = ledger::jobs::find(reading.state.jobs, id);
  if (job != nullptr && asker.sees(job->team)) return job;
  return base::fail(ErrorCode::not_found, "there is no job {}", id.value);
}

words::Reader reader_of(const Asker& asker, const controller::Reading& reading) {
  return {asker.language, [&asker, &reading](domain::JobId id) {
            const Job* job = ledger::jobs::find(reading.state.jobs, id);
            return job != nullptr && asker.sees(job->team);
          }};
}

}  // namespace adapters::scheduler_service
