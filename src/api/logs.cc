#include <algorithm>

#include "api/routes.h"
#include "api/tail.h"

namespace api {
namespace {

using base::Result;
using ledger::jobs::Job;

constexpr std::int64_t kMostBytes = 1024 * 1024;
constexpr std::int64_t kUsualBytes = 64 * 1024;
constexpr std::int64_t kMostOffset = std::int64_t{1} << 53;
constexpr std::int64_t kMostAttempts = 1'000'000;

/// A piece of a log. Offsets count bytes as the rank wrote them; `text` is valid UTF-8.
struct LogView {
  domain::JobId job;
  std::int32_t attempt = 0;
  std::int32_t rank = 0;
  std::uint64_t offset = 0;
  std::uint64_t next = 0;
  std::uint64_t size = 0;
  std::string text;
  bool complete = false;
};
BOOST_DESCRIBE_STRUCT(LogView, (), (job, attempt, rank, offset, next, size, text, complete))

struct LogMessage {
  std::int32_t rank = 0;
  std::int32_t attempt = 0;
  std::uint64_t offset = 0;
  std::uint64_t next = 0;
  std::string text;
};
BOOST_DESCRIBE_STRUCT(LogMessage, (), (rank, attempt, offset, next, text))

/// `bytes` without a character at its end that is not whole yet.
std::string_view whole_characters(std::string_view bytes) {
  constexpr std::size_t kLongest = 4;
  for (std::size_t back = 1; back <= std::min(kLongest, bytes.size()); ++back) {
    const auto byte = static_cast<unsigned char>(bytes[bytes.size() - back]);
    if ((byte & 0xC0) == 0x80) continue;  // Inside a character: look for its first byte.
    const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    if (length > back && back < bytes.size()) bytes.remove_suffix(back);
    break;
  }
  return bytes;
}

/// Which piece of which log is asked for.
struct LogRange {
  LogView view;
  std::size_t most = 0;
  std::optional<std::uint64_t> whole_bytes;  ///< Of a log that is over, if that is known.
};

Result<LogRange> range_of(const Service& service, const Call& call, const Reading& reading) {
  auto found = find_job(call, reading);
  if (!found) return base::pass(found);
  const Job& job = **found;
  auto rank = rank_of(call, job);
  if (!rank) return base::pass(rank);
  auto attempt = number_or(call, "attempt", {1, kMostAttempts}, job.attempts_made);
  if (!attempt) return base::pass(attempt);
  if (*attempt > job.attempts_made) {
    return base::fail(base::ErrorCode::not_found, "job {} has no attempt {}", job.id.value,
                      *attempt);
  }
  auto offset = number_or(call, "offset", {0, kMostOffset}, 0);
  if (!offset) return base::pass(offset);
  auto limit = number_or(call, "limit", {1, kMostBytes}, kUsualBytes);
  if (!limit) return base::pass(limit);
  const RankProgress progress = progress_of(job, *rank);
  LogRange range;
  if (*attempt == progress.over) range.whole_bytes = whole_log_bytes(reading, job, *rank);
  const auto& options = service.options();
  const auto wait = range.whole_bytes ? options.log_patience : options.log_settle;
  const bool is_settled = progress.over_at + wait <= reading.now;
  range.view.job = job.id;
  range.view.attempt = static_cast<std::int32_t>(*attempt);
  range.view.rank = *rank;
  range.view.offset = static_cast<std::uint64_t>(*offset);
  range.view.complete = *attempt < progress.over || (*attempt == progress.over && is_settled);
  if (job.attempts_made == 0) range.view.complete = progress.job_ended;
  range.most = static_cast<std::size_t>(*limit);
  return range;
}

Answer read_log(Service& service, LogRange range) {
  LogView& shown = range.view;
  shown.next = shown.offset;
  if (shown.attempt == 0) return ok(shown);
  const std::string name = kept_name(shown.attempt, shown.rank, kLogEnding);
  // Looked at before it is read, so that what is called whole here is read whole.
  auto size = service.files().size(shown.job, name);
  if (!size) return base::pass(size);
  shown.size = *size;
  if (range.whole_bytes && *size >= *range.whole_bytes) shown.complete = true;
  auto bytes = service.files().read(shown.job, name, shown.offset, range.most);
  if (!bytes && bytes.error().code == base::ErrorCode::not_found) return ok(shown);
  if (!bytes) return base::pass(bytes);
  const bool is_end = shown.offset + bytes->size() >= *size;
  const auto piece = is_end && shown.complete ? std::string_view(*bytes) : whole_characters(*bytes);
  shown.next = shown.offset + piece.size();
  shown.text = base::valid_utf8(piece);
  shown.complete = shown.complete && is_end;
  return ok(shown);
}

void get_log(Service& service, const CallPtr& call) {
  service.enter(call, [&service, call](const Reading& reading) {
    auto range = range_of(service, *call, reading);
    if (!range) return finish(*call, base::pass(range));
    service.block(call, [&service, range = *std::move(range)] { return read_log(service, range); });
  });
}

Tail::Taken take_log(const Tail::Piece& piece) {
  const auto bytes = piece.is_last ? piece.bytes : whole_characters(piece.bytes);
  const bool is_torn = bytes.size() == piece.bytes.size() && !piece.is_last && bytes.size() < 4 &&
                       base::valid_utf8(bytes) != bytes;
  if (bytes.empty() || is_torn) return {};  // The rest of the character will come.
  const std::uint64_t offset = piece.place.offset;
  const LogMessage message{piece.place.rank, piece.place.attempt, offset, offset + bytes.size(),
                           base::valid_utf8(bytes)};
  return {bytes.size(), base::to_text(base::to_json(message))};
}

void stream_log(Service& service, const CallPtr& call) {
  service.enter(call, [&service, call](const Reading& reading) {
    auto job = find_job(*call, reading);
    if (!job) return finish(*call, base::pass(job));
    auto rank = rank_of(*call, **job);
    if (!rank) return finish(*call, base::pass(rank));
    auto attempt =
        number_or(*call, "attempt", {1, kMostAttempts}, std::max((*job)->attempts_made, 1));
    if (!attempt) return finish(*call, base::pass(attempt));
    auto offset = number_or(*call, "offset", {0, kMostOffset}, 0);
    if (!offset) return finish(*call, base::pass(offset));
    Tail::Place place{.job = (*job)->id, .rank = *rank, .ending = std::string(kLogEnding)};
    place.attempt = static_cast<std::int32_t>(*attempt);
    place.offset = static_cast<std::uint64_t>(*offset);
    accept(call, std::make_shared<Tail>(service, std::move(place), progress_of(**job, *rank),
                                        reading.position, take_log));
  });
}

}  // namespace

std::vector<Route> log_routes() {
  return {
      {"GET", "/v1/jobs/{id}/logs", Role::member, get_log, {"rank", "attempt", "offset", "limit"}},
      {"WS", "/v1/jobs/{id}/logs/stream", Role::member, stream_log, {"rank", "attempt", "offset"}},
  };
}

}  // namespace api
