#include "words/jobs.h"

#include <algorithm>
#include <charconv>

#include "words/amounts.h"
#include "words/reasons.h"

namespace words {
namespace {

using domain::JobState;
using ledger::jobs::Job;

std::string join(const std::vector<std::string>& parts, std::string_view between) {
  std::string text;
  for (const std::string& part : parts) {
    if (!text.empty()) text += between;
    text += part;
  }
  return text;
}

std::string_view id_of(era::RefusalReason reason) {
  switch (reason) {
    case era::RefusalReason::no_such_pool:
      return "refusal.reason.no_such_pool";
    case era::RefusalReason::rank_larger_than_node:
      return "refusal.reason.rank_larger_than_node";
    case era::RefusalReason::larger_than_pool:
      return "refusal.reason.larger_than_pool";
    case era::RefusalReason::window_too_short:
      return "refusal.reason.window_too_short";
    case era::RefusalReason::beyond_horizon:
      return "refusal.reason.beyond_horizon";
    case era::RefusalReason::no_free_window:
      return "refusal.reason.no_free_window";
    case era::RefusalReason::fragmented:
      return "refusal.reason.fragmented";
    case era::RefusalReason::not_free_now:
      return "refusal.reason.not_free_now";
    case era::RefusalReason::too_expensive:
      return "refusal.reason.too_expensive";
    case era::RefusalReason::insufficient_funds:
      return "refusal.reason.insufficient_funds";
    case era::RefusalReason::limit_reached:
      return "refusal.reason.limit_reached";
    case era::RefusalReason::no_promised_end:
      return "refusal.reason.no_promised_end";
    case era::RefusalReason::refused_together:
      return "refusal.reason.refused_together";
  }
  return "refusal.reason.limit_reached";
}

bool names_a_price(era::RefusalReason reason) {
  return reason == era::RefusalReason::too_expensive ||
         reason == era::RefusalReason::insufficient_funds;
}

/// Several blockers that may not be named are one "another team's job".
std::string blockers(const Reader& reader, const std::vector<domain::JobId>& blocking) {
  std::vector<std::string> names;
  for (const domain::JobId job : blocking) {
    std::string name = job_name(reader, job);
    if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
  return join(names, ", ");
}

/// Ranks of another size, and perhaps another number of them.
std::string rank_change(Language language, const era::Change& wanted) {
  const std::string each = resources(language, *wanted.per_rank);
  const std::string start = time(wanted.offer.start);
  const std::string price = money(language, wanted.offer.price);
  const bool is_free = wanted.offer.price == domain::Money{};
  if (!wanted.ranks && is_free) return say(language, "help.per_rank_free", {each, start});
  if (!wanted.ranks) return say(language, "help.per_rank", {each, start, price});
  const std::string ranks = std::to_string(*wanted.ranks);
  if (is_free) return say(language, "help.ranks_of_free", {ranks, each, start});
  return say(language, "help.ranks_of", {ranks, each, start, price});
}

std::string change(const Reader& reader, const era::Change& wanted) {
  const Language language = reader.language;
  const std::string start = time(wanted.offer.start);
  const std::string price = money(language, wanted.offer.price);
  if (wanted.per_rank) return rank_change(language, wanted);
  if (wanted.max_price) {
    return say(language, "help.max_price", {money(language, *wanted.max_price), start});
  }
  const bool is_free = wanted.offer.price == domain::Money{};
  if (wanted.deadline && is_free)
    return say(language, "help.deadline_free", {time(*wanted.deadline), start});
  if (wanted.deadline) {
    return say(language, "help.deadline", {time(*wanted.deadline), start, price});
  }
  if (wanted.ranks && is_free)
    return say(language, "help.ranks_free", {std::to_string(*wanted.ranks), start});
  if (wanted.ranks) {
    return say(language, "help.ranks", {std::to_string(*wanted.ranks), start, price});
  }
  const domain::Duration shorter = wanted.duration.value_or(domain::Duration{});
  if (is_free) return say(language, "help.duration_free", {duration(language, shorter), start});
  return say(language, "help.duration", {duration(language, shorter), start, price});
}

/// The jobs that it waits for, by name: at most 8.
std::string parents(const Reader& reader, const Job& job) {
  constexpr std::size_t kMostNamed = 8;
  std::vector<domain::JobId> named;
  for (const auto& parent : job.waits_for) {
    if (named.size() < kMostNamed) named.push_back(parent.job);
  }
  return blockers(reader, named);
}

std::string reserved(const Reader& reader, const Job& job) {
  const Language language = reader.language;
  const bool waits = !job.waits_for.empty();
  if (!job.booking && waits)
    return say(language, "job.late", {parents(reader, job), time(job.deadline)});
  if (!job.booking) return say(language, "job.displaced", {time(job.deadline)});
  const std::string_view id = job.spec.bid.firm ? "job.firm" : "job.reserved";
  std::string text = say(language, id, {time(job.booking->start), time(job.deadline)});
  if (waits) text += say(language, "job.reserved_after", {parents(reader, job)});
  return text;
}

std::string running(const Reader& reader, const Job& job) {
  const std::string attempt = std::to_string(job.attempts_made);
  if (!job.booking) return say(reader.language, "job.running_flex", {attempt});
  const std::string finish = time(job.booking->finish);
  if (job.booking->later.empty()) return say(reader.language, "job.running", {attempt, finish});
  return say(reader.language, "job.running_in_pieces",
             {attempt, finish, time(job.booking->later.front().start)});
}

std::string interrupted(const Reader& reader, const Job& job) {
  if (job.booking && job.booking->resumes && job.retry_at <= job.booking->start) {
    return say(reader.language, "job.paused", {time(job.booking->start), time(job.deadline)});
  }
  return say(reader.language, "job.interrupted",
             {cause(reader, job.cause), time(job.retry_at), std::to_string(job.retries_used),
              std::to_string(job.spec.program.max_retries)});
}

/// Replaces "job 17" where the reader may not know of job 17.
std::string without_strangers(const Reader& reader, std::string_view text) {
  constexpr std::string_view kJob = "job ";
  std::string result;
  while (!text.empty()) {
    const std::size_t at = text.find(kJob);
    const std::size_t number = at == text.npos ? text.size() : at + kJob.size();
    domain::JobId job;
    const char* const end = text.data() + text.size();
    const auto [after, error] = std::from_chars(text.data() + number, end, job.value);
    const bool is_hidden = error == std::errc{} && !reader.sees(job);
    result += text.substr(0, is_hidden ? at : number);
    if (is_hidden) result += "another team's job";
    const auto taken =
        error == std::errc{} ? static_cast<std::size_t>(after - text.data()) : number;
    if (!is_hidden) result += text.substr(number, taken - number);
    text.remove_prefix(taken);
  }
  return result;
}

}  // namespace

std::string job_name(const Reader& reader, domain::JobId job) {
  if (!reader.sees(job)) return say(reader.language, "job.of_others");
  return say(reader.language, "job.number", {std::to_string(job.value)});
}

std::string cause(const Reader& reader, const std::string& english) {
  return translate(reader.language, without_strangers(reader, english));
}

std::string quota(Language language, const domain::QuotaReached& reached) {
  const domain::Quota& of = reached.quota;
  const std::string who = of.user.value.empty() ? say(language, "quota.team", {of.team.value})
                                                : say(language, "quota.user", {of.user.value});
  const std::string most = std::to_string(of.gpus);
  const std::string used = std::to_string(reached.used);
  std::string text = of.gpu_model.empty()
                         ? say(language, "quota.reached", {who, most, used})
                         : say(language, "quota.reached_model", {who, most, used, of.gpu_model});
  if (reached.room_from) text += say(language, "quota.room", {time(*reached.room_from)});
  if (of.soft) text += say(language, "quota.flex");
  return text;
}

std::string refusal(const Reader& reader, const era::Refusal& refusal) {
  const Language language = reader.language;
  if (refusal.quota) return quota(language, *refusal.quota);
  std::string text;
  if (names_a_price(refusal.reason) && refusal.price) {
    text = say(language, id_of(refusal.reason), {money(language, *refusal.price)});
  } else if (names_a_price(refusal.reason)) {
    text = say(language, "refusal.money");
  } else {
    text = say(language, id_of(refusal.reason));
  }
  if (!refusal.blocking.empty()) {
    text += say(language, "refusal.blocking", {blockers(reader, refusal.blocking)});
  }
  if (refusal.blocked_until) {
    text += say(language, "refusal.until", {time(*refusal.blocked_until)});
  }
  const auto help = would_help(reader, refusal);
  if (!help.empty()) text += say(language, "refusal.instead", {after_colon(help.front())});
  return text;
}

std::vector<std::string> would_help(const Reader& reader, const era::Refusal& refusal) {
  std::vector<std::string> sentences;
  for (const era::Change& wanted : refusal.changes) sentences.push_back(change(reader, wanted));
  if (refusal.cheaper) {
    sentences.push_back(
        say(reader.language, "help.cheaper",
            {time(refusal.cheaper->start), money(reader.language, refusal.cheaper->price)}));
  }
  return sentences;
}

std::string offer(const Reader& reader, const era::Offer& offer, const Promise& promise) {
  const Language language = reader.language;
  if (offer.price == domain::Money{}) {
    if (promise.job_class == domain::JobClass::flex) return say(language, "offer.flex_free");
    return say(language, promise.firm ? "offer.firm_free" : "offer.reserved_free",
               {time(offer.start), time(promise.finish)});
  }
  const std::string price = money(language, offer.price);
  if (promise.job_class == domain::JobClass::flex) return say(language, "offer.flex", {price});
  const std::string_view id = promise.firm ? "offer.firm" : "offer.reserved";
  return say(language, id, {time(offer.start), time(promise.finish), price});
}

std::string job(const Reader& reader, const Job& job) {
  const Language language = reader.language;
  switch (job.state) {
    case JobState::refused:
      return refusal(reader, job.refusal.value_or(era::Refusal{}));
    case JobState::reserved:
      return reserved(reader, job);
    case JobState::queued:
      if (!job.waits_for.empty()) return say(language, "job.queued_after", {parents(reader, job)});
      return say(language, "job.queued");
    case JobState::starting:
      return say(language, "job.starting", {std::to_string(job.attempts_made)});
    case JobState::running:
      return running(reader, job);
    case JobState::interrupted:
      return interrupted(reader, job);
    case JobState::succeeded:
      return say(language, "job.succeeded");
    case JobState::failed:
      return say(language, "job.failed", {cause(reader, job.cause)});
    case JobState::cancelled:
      return say(language, "job.cancelled", {cause(reader, job.cause)});
    case JobState::expired:
      return say(language, "job.expired", {cause(reader, job.cause)});
    case JobState::lost:
      return say(language, "job.lost", {cause(reader, job.cause)});
  }
  return {};
}

}  // namespace words
