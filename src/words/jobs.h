#pragma once
#include <functional>
#include <string>
#include <vector>

#include "era/quote.h"
#include "ledger/jobs/job.h"
#include "words/catalog.h"

// What people read about jobs, bids and refusals: the same in CLI, page and API.
namespace words {

/// Who reads: in which language, and which jobs by number; others are "another team's job".
struct Reader {
  Language language = Language::en;
  std::function<bool(domain::JobId)> sees;
};

/// "job 17", or "another team's job".
std::string job_name(const Reader& reader, domain::JobId job);

/// A cause that a fact holds in English, for this reader: job numbers that are not theirs go.
std::string cause(const Reader& reader, const std::string& english);

/// Which quota leaves no room, and from when on it does.
std::string quota(Language language, const domain::QuotaReached& reached);

/// Why a bid was refused: what stands in the way, until when, and what to do.
std::string refusal(const Reader& reader, const era::Refusal& refusal);

/// The changes that would be accepted, and the cheaper place if there is one: a sentence each.
std::vector<std::string> would_help(const Reader& reader, const era::Refusal& refusal);

/// What a bid would get, as one sentence.
struct Promise {
  domain::JobClass job_class = domain::JobClass::flex;
  domain::Time finish;  ///< Promised; for flex meaningless.
  bool firm = false;
};
std::string offer(const Reader& reader, const era::Offer& offer, const Promise& promise);

/// How a job is, and what it waits for.
std::string job(const Reader& reader, const ledger::jobs::Job& job);

}  // namespace words
