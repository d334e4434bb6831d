#include "cli/follow.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/describe.h"

namespace cli {
namespace {

using base::ErrorCode;

constexpr domain::Duration kRefreshEvery{1'000};
/// A job that gets on faster than that speaks for itself.
constexpr domain::Duration kQuietFor{1'500};
constexpr domain::Duration kPollEvery{300};
constexpr domain::Duration kLongestPause{5'000};
/// What a rank wrote last may arrive after its end; so long is waited for it at most.
constexpr domain::Duration kLongestTail{10'000};
constexpr domain::Duration kLongestOutage = domain::kMinute * 10;

bool is_passing(const base::Error& error) {
  return error.code == ErrorCode::unavailable || error.code == ErrorCode::deadline_exceeded ||
         error.code == ErrorCode::resource_exhausted;
}

std::string log_path(std::int64_t job) { return fmt::format("/v1/jobs/{}/logs", job); }

/// The rank that made the attempt end: the first that ended badly by itself.
const Rank* culprit(const Attempt& attempt) {
  const Rank* found = nullptr;
  for (const Rank& rank : attempt.ranks) {
    const bool is_bad = rank.exit_code != 0 || rank.signal != 0;
    const bool is_own = rank.cause != "stopped" && rank.cause != "success";
    if (is_bad && is_own && (!found || rank.ended < found->ended)) found = &rank;
  }
  return found;
}

}  // namespace

Follower::Follower(Context& context, Server& server, FollowOptions options)
    : context_(context), server_(server), options_(options) {
  heeded_ = context.environment.interrupts();
  polls_ = options.all_ranks;
}

base::Result<Job> Follower::to_end(Job job) {
  job_ = std::move(job);
  begun_ = refreshed_ = context_.environment.now();
  say_state();
  domain::Duration pause{100};
  domain::Time last_good = context_.environment.now();
  while (!left_) {
    base::Result<> good;
    bool moved = false;
    if (polls_) {
      auto polled = poll_once();
      moved = polled && *polled;
      if (!polled) good = base::pass(polled);
    } else {
      good = stream_once();
    }
    heed_interrupts();
    if (left_) break;
    if (!good && !is_passing(good.error())) return base::pass(good);
    auto fresh = refresh();
    if (!fresh && !is_passing(fresh.error())) return base::pass(fresh);
    if (fresh && is_final_state(job_.state)) break;
    const domain::Time now = context_.environment.now();
    if (good && fresh) {
      last_good = now;
      pause = {100};
      if (!moved && polls_) context_.environment.wait(kPollEvery);
      continue;
    }
    if (now - last_good > kLongestOutage) return base::pass(fresh ? good : fresh);
    context_.output.note(context_.say("note.reconnecting"), Style::faint);
    context_.environment.wait(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
  if (!left_) drain();
  finish_lines();
  return job_;
}

base::Result<> Follower::show_once(const Job& job) {
  job_ = job;
  stays_in_attempt_ = true;
  while (!left_) {
    auto moved = poll_once();
    if (!moved) return base::pass(moved);
    if (!*moved) break;
  }
  finish_lines();
  return {};
}

base::Result<> Follower::stream_once() {
  broken_line_.clear();
  auto done = server_.stream(log_path(job_.id) + "/stream", query_of(options_.rank),
                             [this](std::string_view text) { return on_text(text); });
  if (!broken_line_.empty()) return base::fail(ErrorCode::internal, "{}", broken_line_);
  return done;
}

bool Follower::on_text(std::string_view text) {
  if (!text.empty()) {
    auto body = base::parse_json(text);
    auto piece = body ? Server::decode<LogPiece>(*body)
                      : base::Result<LogPiece>(std::unexpected(body.error()));
    if (!piece) {
      broken_line_ = piece.error().message;
      return false;
    }
    take(*piece, cursors_[options_.rank]);
  }
  heed_interrupts();
  if (left_) return false;
  const domain::Time now = context_.environment.now();
  if (final_since_.ms > 0) return now - final_since_ < kLongestTail;
  if (now - refreshed_ >= kRefreshEvery) {
    // A failure here is no news: the stream itself will break, too, if the controller is away.
    static_cast<void>(refresh());
  }
  return true;
}

base::Result<bool> Follower::poll_once() {
  bool moved = false;
  for (std::int32_t rank = 0; rank < ranks(); ++rank) {
    const bool is_wanted = options_.all_ranks || rank == options_.rank;
    if (!is_wanted) continue;
    auto more = poll_rank(rank);
    if (!more) return more;
    moved = moved || *more;
    heed_interrupts();
    if (left_) break;
  }
  return moved;
}

/// Shows the next piece of one rank's log; false if there is none now.
base::Result<bool> Follower::poll_rank(std::int32_t rank) {
  auto piece = server_.get<LogPiece>(log_path(job_.id), query_of(rank));
  const bool has_none = !piece && piece.error().code == ErrorCode::not_found;
  if (!piece && !has_none) return base::pass(piece);
  Cursor& cursor = cursors_[rank];
  cursor.complete = has_none || piece->complete;
  if (piece) {
    take(*piece, cursor);
    if (!piece->text.empty()) return true;
  }
  const std::int32_t newest = job_.attempts.empty() ? 0 : job_.attempts.back().number;
  const bool has_next = cursor.attempt > 0 && cursor.attempt < newest && !stays_in_attempt_;
  if (!cursor.complete || !has_next) return false;
  cursor.attempt += 1;
  cursor.offset = 0;
  cursor.complete = false;
  return true;
}

Query Follower::query_of(std::int32_t rank) {
  const Cursor& cursor = cursors_.try_emplace(rank, Cursor{options_.attempt}).first->second;
  Query query{{"rank", std::to_string(rank)}, {"offset", std::to_string(cursor.offset)}};
  if (cursor.attempt > 0) query["attempt"] = std::to_string(cursor.attempt);
  return query;
}

bool Follower::is_all_shown() const {
  return std::ranges::all_of(cursors_, [](const auto& each) { return each.second.complete; });
}

/// What came between the last look and the end of the job.
void Follower::drain() {
  domain::Time moved_at = context_.environment.now();
  while (!left_) {
    const auto moved = poll_once();
    const domain::Time now = context_.environment.now();
    if (!moved || now - moved_at > kLongestTail) {
      const std::string why = moved ? "" : moved.error().message;
      context_.output.note(context_.say("note.log_cut", {why}));
      return;
    }
    if (*moved) {
      moved_at = now;
    } else if (is_all_shown()) {
      return;
    } else {
      context_.environment.wait({50});
    }
  }
}

void Follower::take(const LogPiece& piece, Cursor& cursor) {
  const auto size = static_cast<std::int64_t>(piece.text.size());
  const std::int64_t next = piece.next.value_or(piece.offset + size);
  if (piece.attempt < cursor.attempt) return;
  if (piece.attempt > cursor.attempt) cursor.offset = 0;
  cursor.attempt = piece.attempt;
  if (next <= cursor.offset) return;  // Seen before.
  std::string_view fresh = piece.text;
  const bool is_exact = next - piece.offset == size;
  if (piece.offset < cursor.offset && is_exact) {
    fresh.remove_prefix(static_cast<std::size_t>(cursor.offset - piece.offset));
  }
  cursor.offset = next;
  show(piece.rank, fresh, cursor);
}

void Follower::show(std::int32_t rank, std::string_view text, Cursor& cursor) {
  if (!options_.all_ranks) {
    write(text);
    return;
  }
  for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    write(fmt::format("[{}] {}{}\n", rank, cursor.begun, text.substr(0, end)));
    cursor.begun.clear();
    text.remove_prefix(end + 1);
  }
  cursor.begun += text;
}

void Follower::finish_lines() {
  for (auto& [rank, cursor] : cursors_) {
    if (!cursor.begun.empty()) write(fmt::format("[{}] {}\n", rank, cursor.begun));
    cursor.begun.clear();
  }
}

void Follower::write(std::string_view text) {
  if (context_.output.json()) {
    context_.environment.write_error(text);  // Standard output is for the envelope.
  } else {
    context_.output.raw(text);
  }
}

base::Result<> Follower::refresh() {
  refreshed_ = context_.environment.now();
  auto job = server_.get<Job>(fmt::format("/v1/jobs/{}", job_.id));
  if (!job) return base::pass(job);
  job_ = *std::move(job);
  if (is_final_state(job_.state) && final_since_.ms == 0) final_since_ = refreshed_;
  say_state();
  return {};
}

void Follower::heed_interrupts() {
  const int seen = context_.environment.interrupts();
  if (seen <= heeded_ || left_) return;
  const bool is_first = heeded_ == 0;
  heeded_ = seen;
  if (options_.on_interrupt == OnInterrupt::leave || !is_first || seen > 1) {
    left_ = true;
    return;
  }
  context_.output.note(context_.say("note.cancelling", {std::to_string(job_.id)}));
  auto asked =
      server_.ask({"POST", fmt::format("/v1/jobs/{}/cancel", job_.id), {}, boost::json::object()});
  if (!asked) context_.output.note("berth: " + asked.error().message, Style::bad);
}

void Follower::say_state() {
  if (!options_.states || is_final_state(job_.state)) return;
  const std::int32_t attempt = job_.attempts.empty() ? 0 : job_.attempts.back().number;
  const bool is_waiting = job_.state != "running" && job_.state != "starting";
  const bool is_slow = context_.environment.now() - begun_ >= kQuietFor;
  const bool is_news = attempt > 1 || !said_.empty() || (is_slow && job_.state != "running");
  if (!is_news) return;
  const std::string key = fmt::format("{}/{}", job_.state, attempt);
  if (key == said_) return;
  said_ = key;
  std::string text =
      is_waiting && !job_.text.empty()
          ? context_.say("note.waiting", {std::to_string(job_.id), context_.told(job_.text)})
          : state_note(context_, job_.id, job_.state);
  if (!is_waiting && !job_.nodes.empty()) {
    text += context_.say("note.on_nodes", {fmt::format("{}", fmt::join(job_.nodes, ", "))});
  }
  if (!is_waiting && attempt > 1) text += context_.say("note.attempt", {std::to_string(attempt)});
  context_.output.note(printable(text), Style::faint);
}

std::int32_t Follower::ranks() const {
  const std::size_t known = job_.attempts.empty() ? 0 : job_.attempts.back().ranks.size();
  return std::max(options_.rank + 1, static_cast<std::int32_t>(known));
}

int status_of(const Job& job) {
  if (job.state == "succeeded") return static_cast<int>(ExitStatus::ok);
  if (job.state == "cancelled") return static_cast<int>(ExitStatus::interrupted);
  if (job.state == "refused") return static_cast<int>(ExitStatus::refused);
  constexpr int kSignalled = 128;
  const Rank* rank = job.attempts.empty() ? nullptr : culprit(job.attempts.back());
  if (job.state == "failed" && rank) {
    const int status = rank->signal > 0 ? kSignalled + rank->signal : rank->exit_code;
    if (status > 0 && status < 256) return status;
  }
  return static_cast<int>(ExitStatus::job_failed);
}

std::string ending_text(const Context& context, const Job& job) {
  std::string text = state_note(context, job.id, job.state);
  const std::string& why = job.cause.empty() ? job.text : job.cause;
  if (!why.empty()) text = context.say("note.with_cause", {text, context.told(why)});
  if (job.attempts.empty()) return printable(text);
  if (const Rank* rank = culprit(job.attempts.back())) {
    const std::string how = rank->signal > 0
                                ? context.say("end.signal", {std::to_string(rank->signal)})
                                : context.say("end.exit", {std::to_string(rank->exit_code)});
    text += " (" + context.say("end.rank", {std::to_string(rank->rank), rank->node, how}) + ")";
  }
  return printable(text);
}

}  // namespace cli
