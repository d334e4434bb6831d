#include "adapters/scheduler_service/watch.h"

#include <grpcpp/server_context.h>

#include <algorithm>
#include <string>
#include <utility>

#include "adapters/scheduler_service/errors.h"
#include "ledger/jobs/jobs.h"

namespace adapters::scheduler_service {
namespace {

using base::ErrorCode;
using controller::PlacedFact;
using controller::Reading;

constexpr std::uint64_t kPage = 1'000;      ///< Facts that are read from the log at a time.
constexpr std::size_t kMostUnsent = 4'096;  ///< Events or facts that wait for a slow client.
constexpr int kJobsALook = 5'000;           ///< Others get their turn in between.
constexpr int kMostJobs = 1'000;

}  // namespace

Watch::Watch(controller::Desk& desk, std::shared_ptr<Watches> watches,
             ::grpc::CallbackServerContext& context)
    : desk_(desk), watches_(std::move(watches)), context_(context) {}

void Watch::begin(Credentials credentials, const wire::WatchRequest& request) {
  self_ = shared_from_this();
  language_ = credentials.language;
  if (request.jobs_size() > kMostJobs) {
    auto error = base::invalid("jobs", "more than {} jobs", kMostJobs);
    return fail(error.error());
  }
  Wanted wanted{.credentials = std::move(credentials)};
  if (request.has_from_position()) wanted.from = request.from_position();
  for (const std::int64_t job : request.jobs()) wanted.jobs.insert({job});
  const bool queued = desk_.read([self = self_, wanted = std::move(wanted)](
                                     const Reading& reading) { self->admit(wanted, reading); });
  if (!queued) fail(busy());
}

base::Result<Sight> Watch::check(const Wanted& wanted, const Reading& reading) {
  auto asker = find_asker(wanted.credentials, reading);
  if (!asker) return base::pass(asker);
  if (wanted.from && *wanted.from > reading.position) {
    return base::invalid("from_position", "nothing has happened there yet: the end is {}",
                         reading.position);
  }
  for (const domain::JobId id : wanted.jobs) {
    auto job = find_job(*asker, reading, id);
    if (!job) return base::pass(job);
    if (domain::is_final((*job)->state)) ended_.insert(id);
  }
  if (!watches_->enter(asker->user)) {
    return base::fail(ErrorCode::resource_exhausted, "too many watches are open");
  }
  return Sight(*std::move(asker), wanted.jobs);
}

void Watch::admit(const Wanted& wanted, const Reading& reading) {
  bool is_member = false;
  {
    const std::lock_guard lock(mutex_);
    if (finished_) return;
    auto sight = check(wanted, reading);
    if (!sight) return end(sight.error());
    sight_ = *std::move(sight);
    admitted_ = reading.position;
    next_ = wanted.from.value_or(reading.position);
    context_.AddInitialMetadata("berth-position", std::to_string(next_));
    StartSendInitialMetadata();
    is_member = !sight_->asker().sees_all();
  }
  if (is_member) return collect_own({}, reading);
  approach(reading);
}

/// The jobs of the caller's team, some at a time. Those that are bid meanwhile come as facts.
void Watch::collect_own(domain::JobId after, const Reading& reading) {
  const auto& jobs = reading.state.jobs.jobs;
  auto at = jobs.upper_bound(after);
  {
    const std::lock_guard lock(mutex_);
    for (int looked = 0; at != jobs.end() && looked < kJobsALook; ++looked, ++at) {
      if (at->second.team == sight_->asker().team) sight_->add_own(at->first);
      after = at->first;
    }
  }
  if (at == jobs.end()) return approach(reading);
  const bool queued = desk_.read([self = shared_from_this(), after](const Reading& later) {
    self->collect_own(after, later);
  });
  if (!queued) fail(busy());
}

/// Sets the next goal; where little is missing, new facts are told from now on.
void Watch::approach(const Reading& reading) {
  bool is_near = false;
  {
    const std::lock_guard lock(mutex_);
    if (ending_) return;
    target_ = reading.position;
    is_near = target_ - next_ <= kPage;
    joined_ = is_near;
  }
  if (is_near && !watches_->join(shared_from_this(), reading)) return fail(busy());
  Step step = Step::none;
  {
    const std::lock_guard lock(mutex_);
    step = next_step();
  }
  perform(step);
}

/// What is left to do until every fact has been looked at. A slow client holds up the reading.
Watch::Step Watch::next_step() {
  const bool is_held_up = !joined_ && !unsent_.empty();
  if (ending_ || caught_up_ || fetching_ || is_held_up || !sight_) return Step::none;
  if (next_ >= target_ && joined_) settle();
  if (caught_up_) return Step::none;
  fetching_ = true;
  return next_ < target_ ? Step::fetch : Step::look;
}

void Watch::perform(Step step) {
  bool queued = true;
  if (step == Step::look) {
    queued = desk_.read([self = shared_from_this()](const Reading& reading) {
      {
        const std::lock_guard lock(self->mutex_);
        self->fetching_ = false;
      }
      self->approach(reading);
    });
  } else if (step == Step::fetch) {
    const std::uint64_t most = std::min(kPage, target_ - next_);
    queued = desk_.facts(
        next_, most, [self = shared_from_this()](auto page) { self->take_page(std::move(page)); });
  }
  if (!queued) fail(busy());
}

void Watch::take_page(base::Result<std::vector<PlacedFact>> page) {
  Step step = Step::none;
  {
    const std::lock_guard lock(mutex_);
    fetching_ = false;
    if (!page) return end(page.error());
    if (page->empty()) return end(busy());
    for (const PlacedFact& placed : *page) show(placed);
    write_next();
    step = next_step();
  }
  perform(step);
}

/// From here on, facts are shown as they are told.
void Watch::settle() {
  caught_up_ = true;
  for (const Fact& fact : std::exchange(told_, {})) show(*fact);
  for (const domain::JobId job : ended_) sight_->has_ended(job);
  if (sight_->is_over()) finish(::grpc::Status::OK);
  write_next();
}

void Watch::show(const PlacedFact& placed) {
  if (ending_ || placed.position < next_) return;
  next_ = placed.position + 1;
  if (is_let_in_no_more(placed)) {
    return end({ErrorCode::unauthenticated, "the token or its user has changed; call again"});
  }
  wire::Event event;
  if (!sight_->show(placed.fact, event)) return;
  event.set_position(placed.position);
  unsent_.push_back(std::move(event));
  if (sight_->is_over()) finish(::grpc::Status::OK);
}

bool Watch::is_let_in_no_more(const PlacedFact& placed) const {
  if (placed.position < admitted_) return false;
  const Asker& asker = sight_->asker();
  if (placed.fact.at >= asker.expires) return true;
  const auto* revoked = std::get_if<ledger::access::TokenRevoked>(&placed.fact.event);
  if (revoked != nullptr) return revoked->id == asker.token_id;
  const auto* changed = std::get_if<ledger::access::UserChanged>(&placed.fact.event);
  return changed != nullptr && changed->user.name == asker.user;
}

void Watch::tell(const Fact& fact) {
  const std::lock_guard lock(mutex_);
  if (finished_) return;
  if (ending_) {
    // It does not even take the goodbye.
    if (++ignored_ == kMostUnsent) context_.TryCancel();
    return;
  }
  if (caught_up_) {
    show(*fact);
  } else {
    told_.push_back(fact);
  }
  if (unsent_.size() > kMostUnsent || told_.size() > kMostUnsent) {
    return end({ErrorCode::resource_exhausted,
                fmt::format("what happens is read too slowly; go on from {}",
                            unsent_.empty() ? next_ : unsent_.front().position())});
  }
  write_next();
}

void Watch::lose() { fail(busy()); }

void Watch::fail(const base::Error& error) {
  const std::lock_guard lock(mutex_);
  end(error);
}

void Watch::end(const base::Error& error) {
  if (ending_) return;
  unsent_.clear();
  told_.clear();
  finish(to_status(error, language_, context_));
  write_next();
}

void Watch::finish(::grpc::Status status) {
  if (!ending_) ending_ = std::move(status);
}

void Watch::write_next() {
  if (writing_ || finished_) return;
  if (!unsent_.empty()) {
    sending_ = std::move(unsent_.front());
    unsent_.pop_front();
    writing_ = true;
    return StartWrite(&sending_);
  }
  if (!ending_) return;
  finished_ = true;
  Finish(*ending_);
}

void Watch::OnWriteDone(bool ok) {
  Step step = Step::none;
  {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    if (!ok) {
      unsent_.clear();
      finish(::grpc::Status::CANCELLED);
    }
    write_next();
    step = next_step();
  }
  perform(step);
}

void Watch::OnCancel() {
  const std::lock_guard lock(mutex_);
  unsent_.clear();
  finish(::grpc::Status::CANCELLED);
  write_next();
}

void Watch::OnDone() {
  std::shared_ptr<Watch> self;  // Goes after the lock.
  const std::lock_guard lock(mutex_);
  self = std::exchange(self_, nullptr);
  if (sight_) watches_->leave(sight_->asker().user);
}

}  // namespace adapters::scheduler_service
