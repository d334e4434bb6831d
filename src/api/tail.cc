#include "api/tail.h"

#include <algorithm>

#include "ledger/jobs/jobs.h"

namespace api {
namespace {

constexpr std::size_t kPieceBytes = 64 * 1024;
constexpr std::size_t kBurstBytes = 128 * 1024;
constexpr domain::Duration kPause{10};

void raise(std::atomic<std::int32_t>& value, std::int32_t to) {
  std::int32_t now = value;
  while (now < to && !value.compare_exchange_weak(now, to)) {
  }
}

}  // namespace

std::string kept_name(std::int32_t attempt, std::int32_t rank, std::string_view ending) {
  return fmt::format("attempt-{}/rank-{}.{}", attempt, rank, ending);
}

RankProgress progress_of(const ledger::jobs::Job& job, std::int32_t rank) {
  RankProgress progress{.attempts = job.attempts_made, .job_ended = domain::is_final(job.state)};
  progress.over = job.attempts_made;
  progress.over_at = job.ended;
  if (job.attempts.empty() || progress.job_ended) return progress;
  const auto& newest = job.attempts.back();
  const auto& last = newest.ranks.at(static_cast<std::size_t>(rank));
  progress.over_at = last.ended;
  if (last.ended == domain::Time{}) --progress.over;
  return progress;
}

std::optional<std::uint64_t> whole_log_bytes(const Reading& reading, const ledger::jobs::Job& job,
                                             std::int32_t rank) {
  if (job.attempts.empty()) return std::nullopt;
  const auto& newest = job.attempts.back();
  const auto node = reading.presence.find(newest.ranks.at(static_cast<std::size_t>(rank)).node);
  if (node == reading.presence.end()) return std::nullopt;
  const auto found = node->second.log_bytes.find({job.id, newest.number, rank});
  if (found == node->second.log_bytes.end()) return std::nullopt;
  return found->second;
}

base::Result<std::int32_t> rank_of(const Call& call, const ledger::jobs::Job& job) {
  auto rank = number_or(call, "rank", {0, ledger::jobs::kMostRanks}, 0);
  if (!rank) return base::pass(rank);
  const std::int32_t last = job.spec.bid.shape.ranks - 1;
  if (*rank > last && last == 0)
    return base::invalid("rank", "job {} has one rank, 0, and no {}", job.id.value, *rank);
  if (*rank > last)
    return base::invalid("rank", "job {} has ranks 0 to {}, not {}", job.id.value, last, *rank);
  return static_cast<std::int32_t>(*rank);
}

Tail::Tail(Service& service, Place place, RankProgress progress, std::uint64_t position, Take take)
    : service_(service),
      position_(position),
      take_(std::move(take)),
      place_(std::move(place)),
      attempts_(progress.attempts),
      over_(progress.over),
      job_ended_(progress.job_ended) {
  const bool is_settled = progress.over_at + service.options().log_settle <= service.clock().now();
  settled_ = is_settled ? progress.over : progress.over - 1;
}

void Tail::open(std::shared_ptr<ports::TextStream> stream) {
  stream_ = std::move(stream);
  stream_->on_closed([self = shared_from_this()] { self->closed_ = true; });
  const std::weak_ptr<Tail> weak = weak_from_this();
  service_.desk().watch_files(place_.job, [weak] {
    const auto self = weak.lock();
    if (!self || self->closed_) return false;
    self->wake();
    return true;
  });
  const bool follows =
      job_ended_ || service_.desk().follow(position_, [weak](const controller::PlacedFact& placed) {
        const auto self = weak.lock();
        if (!self || self->closed_) return false;
        self->note(placed.fact.event);
        return !self->job_ended_;
      });
  if (!follows) return stream_->close();  // The controller is busy; the client comes again.
  if (job_ended_) learn_size();
  wake();
}

void Tail::note(const ledger::Event& event) {
  using namespace ledger::jobs;
  const domain::JobId job = place_.job;
  if (const auto* started = std::get_if<AttemptStarted>(&event); started && started->job == job) {
    raise(attempts_, started->attempt);
    wake();
  } else if (const auto* ended = std::get_if<RankEnded>(&event); ended && ended->job == job) {
    if (ended->rank == place_.rank) note_over(ended->attempt);
  } else if (const auto* over = std::get_if<JobEnded>(&event); over && over->job == job) {
    job_ended_ = true;
    learn_size();
    note_over(attempts_);
  }
}

/// Asks how long the last log of a job that has ended is: with all of it there, nothing more need
/// be waited for.
void Tail::learn_size() {
  if (place_.ending != kLogEnding) return;
  static_cast<void>(service_.desk().read([weak = weak_from_this()](const Reading& reading) {
    const auto self = weak.lock();
    const auto* job = self ? ledger::jobs::find(reading.state.jobs, self->place_.job) : nullptr;
    const auto bytes = job ? whole_log_bytes(reading, *job, self->place_.rank) : std::nullopt;
    if (!bytes) return;
    self->whole_bytes_ = static_cast<std::int64_t>(*bytes);
    self->wake();
  }));
}

/// True if all of the job's last log is here.
bool Tail::is_whole() {
  const std::int64_t whole = whole_bytes_;
  if (whole < 0 || place_.attempt != attempts_) return false;
  const auto size =
      service_.files().size(place_.job, kept_name(place_.attempt, place_.rank, place_.ending));
  return size && *size >= static_cast<std::uint64_t>(whole);
}

void Tail::note_over(std::int32_t attempt) {
  raise(over_, attempt);
  wake();
}

void Tail::wake() {
  if (wakes_.fetch_add(1) > 0) return;
  service_.options().run_blocking([self = shared_from_this()] { self->run(); });
}

void Tail::run() {
  int seen = wakes_;
  do {
    pump();
  } while (!wakes_.compare_exchange_strong(seen, 0));
}

/// Sends all there is. What has ended is looked up before the file is read, so an end that is seen
/// here has all its bytes in the file already.
void Tail::pump() {
  while (!closed_) {
    const std::int32_t attempts = attempts_;
    const bool job_ended = job_ended_;
    const bool is_over = over_ >= place_.attempt;
    const bool is_last = settled_ >= place_.attempt;
    while (!closed_ && send_piece(is_last)) {
      if (sent_ < kBurstBytes) continue;
      sent_ = 0;
      service_.options().run_after(kPause, [self = shared_from_this()] { self->wake(); });
      return;
    }
    if (is_over && !is_last && is_whole()) {
      raise(settled_, place_.attempt);
      continue;
    }
    if (is_over && !is_last) return settle(place_.attempt);
    if (is_last && place_.attempt < attempts) {
      ++place_.attempt;
      place_.offset = 0;
      continue;
    }
    const bool is_beyond = place_.attempt > attempts;
    if (job_ended && (is_last || is_beyond)) stream_->close();
    return;
  }
}

/// Sends the next piece of the file; false if there is none now.
bool Tail::send_piece(bool is_last) {
  const std::string name = kept_name(place_.attempt, place_.rank, place_.ending);
  auto bytes = service_.files().read(place_.job, name, place_.offset, kPieceBytes);
  if (!bytes && bytes.error().code != base::ErrorCode::not_found) {
    stream_->close();
    closed_ = true;
    return false;
  }
  if (!bytes || bytes->empty()) return false;
  const bool is_end = is_last && bytes->size() < kPieceBytes;
  Taken taken = take_({place_, *bytes, is_end});
  place_.offset += taken.bytes;
  sent_ += taken.bytes;
  if (!taken.message.empty() && !stream_->send(std::move(taken.message))) closed_ = true;
  return taken.bytes > 0;
}

/// Gives the file of an attempt that is over time for what has not arrived yet: more of it where it
/// is known that something is missing. What arrives in between wakes this by itself.
void Tail::settle(std::int32_t attempt) {
  if (waits_for_ == attempt) return;
  waits_for_ = attempt;
  const auto& options = service_.options();
  options.run_after(options.log_settle, [self = shared_from_this(), attempt] {
    const bool is_known = self->whole_bytes_ >= 0 && self->attempts_ == attempt;
    if (!is_known) return self->give_up(attempt);
    const auto& later = self->service_.options();
    later.run_after(later.log_patience, [self, attempt] { self->give_up(attempt); });
  });
}

/// Takes what there is of the file of an attempt for all of it.
void Tail::give_up(std::int32_t attempt) {
  raise(settled_, attempt);
  wake();
}

void accept(const CallPtr& call, std::shared_ptr<Tail> tail) {
  call->opened = [tail = std::move(tail)](std::shared_ptr<ports::TextStream> stream) {
    tail->open(std::move(stream));
  };
  finish(*call, ports::HttpResponse{.status = 101, .headers = {}, .body = {}});
}

}  // namespace api
