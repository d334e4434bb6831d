#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/service.h"
#include "words/jobs.h"

// What the API shows of jobs and offers, and to whom.
namespace api {

struct OfferView {
  std::string pool;
  domain::Time start;
  domain::Time finish;
  domain::Money price;
  std::vector<domain::NodeId> nodes;
  era::Pieces later;
};
BOOST_DESCRIBE_STRUCT(OfferView, (), (pool, start, finish, price, nodes, later))

/// A quota, and how much of it is in use now.
struct QuotaView {
  domain::TeamId team;
  domain::UserId user;
  std::string gpu_model;
  std::int32_t gpus = 0;
  bool soft = false;
  std::int32_t used = 0;
};
BOOST_DESCRIBE_STRUCT(QuotaView, (), (team, user, gpu_model, gpus, soft, used))

/// What is a team's due, and what it has used: GPU-milliseconds, decayed.
struct ShareView {
  domain::TeamId team;
  std::int32_t weight = 1;
  std::int64_t used = 0;
};
BOOST_DESCRIBE_STRUCT(ShareView, (), (team, weight, used))

struct ChangeView {
  std::optional<domain::Money> max_price;
  std::optional<domain::Time> deadline;
  std::optional<std::int32_t> ranks;
  std::optional<domain::Duration> duration;
  std::optional<domain::Resources> per_rank;
  OfferView offer;
};
BOOST_DESCRIBE_STRUCT(ChangeView, (), (max_price, deadline, ranks, duration, per_rank, offer))

/// Of the jobs in the way only those that the reader may see.
struct RefusalView {
  era::RefusalReason reason = era::RefusalReason::no_free_window;
  std::vector<domain::JobId> blocking;
  std::optional<domain::Time> blocked_until;
  std::optional<domain::Money> price;
  std::vector<ChangeView> changes;
  std::optional<OfferView> cheaper;
  std::optional<domain::QuotaReached> quota;
};
BOOST_DESCRIBE_STRUCT(RefusalView, (),
                      (reason, blocking, blocked_until, price, changes, cheaper, quota))

struct RankView {
  std::int32_t rank = 0;
  domain::NodeId node;
  std::vector<std::string> gpu_uuids;
  domain::Time started;
  domain::Time ended;
  std::string cause;  ///< Empty until it has ended: what runs is no success yet.
  std::int32_t exit_code = 0;
  std::int32_t signal = 0;
  std::string detail;
};
BOOST_DESCRIBE_STRUCT(RankView, (),
                      (rank, node, gpu_uuids, started, ended, cause, exit_code, signal, detail))

struct AttemptView {
  std::int32_t number = 1;
  ledger::jobs::AttemptState state = ledger::jobs::AttemptState::starting;
  domain::Time started;
  domain::Time ended;
  std::string cause;
  std::string detail;
  std::string resume_from;
  std::int32_t master_port = 0;
  std::vector<RankView> ranks;
};
BOOST_DESCRIBE_STRUCT(AttemptView, (),
                      (number, state, started, ended, cause, detail, resume_from, master_port,
                       ranks))

struct JobSummary {
  domain::JobId id;
  std::string name;
  domain::UserId user;
  domain::TeamId team;
  domain::JobState state = domain::JobState::queued;
  domain::JobClass job_class = domain::JobClass::flex;
  std::string cause;
  domain::Time submitted;
  domain::Time ended;
  domain::Time planned_start;
  domain::Time planned_finish;
  domain::Time deadline;
  domain::Time promised_start;
  domain::Money price;
  domain::Money held;
  domain::Money paid;
  std::string pool;
  std::vector<domain::NodeId> nodes;
  era::Pieces later;
  std::optional<RefusalView> refusal;
  std::string text;
  std::string checkpoint;
  std::int64_t checkpoint_step = 0;
  bool promise_broken = false;
  bool simulated = false;
  std::vector<domain::JobId> waits_for;  ///< That the reader may know of.
  domain::JobId series;                  ///< The first of the jobs bid together with it.
};
BOOST_DESCRIBE_STRUCT(JobSummary, (),
                      (id, name, user, team, state, job_class, cause, submitted, ended,
                       planned_start, planned_finish, deadline, promised_start, price, held, paid,
                       pool, nodes, later, refusal, text, checkpoint, checkpoint_step,
                       promise_broken, simulated, waits_for, series))

/// What a Job has beside a JobSummary.
struct JobDetail {
  domain::JobSpec spec;
  std::vector<AttemptView> attempts;
  std::vector<ledger::jobs::Transition> history;
  std::optional<ledger::jobs::Choice> choice;
};
BOOST_DESCRIBE_STRUCT(JobDetail, (), (spec, attempts, history, choice))

/// Whether the caller may know of a job: their team's, or any for an operator.
bool sees(const Call& call, const ledger::jobs::Job& job);
/// Whether the caller may know of a quota: their team's, one of somebody in it, or any for an
/// operator.
bool sees_quota(const Call& call, const Reading& reading, const domain::Quota& quota);
/// Who reads the sentences of an answer. Valid as long as `reading`.
words::Reader reader_of(const Call& call, const Reading& reading);
/// The job in the path, if there is one that the caller may see; `not_found` in both other cases,
/// so that nobody learns what other teams have.
base::Result<const ledger::jobs::Job*> find_job(const Call& call, const Reading& reading);

QuotaView view(const Reading& reading, const domain::Quota& quota);
ShareView share(const Reading& reading, const domain::TeamId& team);
OfferView view(const era::Offer& offer);
RefusalView view(const words::Reader& reader, const era::Refusal& refusal);
/// O(nodes and ranks of the job).
JobSummary summary(const words::Reader& reader, const Reading& reading,
                   const ledger::jobs::Job& job);
/// A whole Job: summary and detail in one object.
boost::json::value view(const words::Reader& reader, const Reading& reading,
                        const ledger::jobs::Job& job);

/// When no closure holds a node that one holds at `at`; none: until it is opened, or not known.
/// O(closures)
std::optional<domain::Time> opening_of(const Reading& reading, const ledger::nodes::Node& node,
                                       domain::Time at);

/// What is planned of a job's time: its booking, or what its attempt has paid for; of a job that
/// has ended the start that it had. 0: not known.
struct Planned {
  domain::Time start;
  domain::Time finish;
};
Planned planned(const ledger::jobs::Job& job);

}  // namespace api
