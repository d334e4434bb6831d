#include <algorithm>
#include <cmath>
#include <limits>

#include "api/routes.h"
#include "api/samples.h"
#include "api/tail.h"

namespace api {
namespace {

using base::Result;
using ledger::jobs::Job;

constexpr std::string_view kMetrics = "metrics.jsonl";
constexpr std::size_t kPieceBytes = 1024 * 1024;
constexpr std::size_t kLongestLine = 256 * 1024;
constexpr std::int64_t kMostPoints = 10'000;
constexpr std::size_t kMostSamples = 2'000;
constexpr std::uint64_t kMostSampleBytes = 16 * 1024 * 1024;  ///< The newest.

/// What the training program recorded in one step.
struct Point {
  std::int64_t t = 0;
  std::int32_t attempt = 0;
  std::int32_t rank = 0;
  std::optional<std::int64_t> step;
  std::map<std::string, double> values;
};
BOOST_DESCRIBE_STRUCT(Point, (), (t, attempt, rank, step, values))

struct Points {
  std::vector<Point> points;
  std::int64_t next = 0;
};
BOOST_DESCRIBE_STRUCT(Points, (), (points, next))

struct Samples {
  std::vector<Sample> points;
};
BOOST_DESCRIBE_STRUCT(Samples, (), (points))

/// A place in a rank's metrics as one number that grows: attempt and byte.
struct Cursor {
  static constexpr std::int64_t kBytes = std::int64_t{1} << 40;
  std::int32_t attempt = 1;
  std::uint64_t offset = 0;

  std::int64_t number() const { return attempt * kBytes + static_cast<std::int64_t>(offset); }
};

Result<Cursor> cursor_of(const Call& call) {
  auto after = number_or(call, "after", {0, std::int64_t{1} << 53}, 0);
  if (!after) return base::pass(after);
  if (*after < Cursor::kBytes) return Cursor{};
  return Cursor{static_cast<std::int32_t>(*after / Cursor::kBytes),
                static_cast<std::uint64_t>(*after % Cursor::kBytes)};
}

std::optional<double> value_of(const boost::json::value& value) {
  if (value.is_number()) return value.to_number<double>();
  const auto* name = value.if_string();
  if (name == nullptr) return std::nullopt;
  if (*name == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (*name == "inf") return std::numeric_limits<double>::infinity();
  if (*name == "-inf") return -std::numeric_limits<double>::infinity();
  return std::nullopt;
}

std::optional<std::int64_t> whole(const boost::json::object& line, const char* name) {
  const auto* value = line.if_contains(name);
  return value == nullptr || !value->is_int64() ? std::nullopt : std::optional(value->get_int64());
}

/// The point in a line of metrics; none for what is broken or of another kind.
std::optional<Point> point_in(std::string_view text) {
  const auto parsed = base::parse_json(text);
  const auto* line = parsed ? parsed->if_object() : nullptr;
  const auto* kind = line == nullptr ? nullptr : line->if_contains("kind");
  const auto* values = line == nullptr ? nullptr : line->if_contains("values");
  if (kind == nullptr || *kind != "metric" || values == nullptr || !values->is_object()) {
    return std::nullopt;
  }
  Point point;
  point.t = whole(*line, "t").value_or(0);
  point.step = whole(*line, "step");
  for (const auto& entry : values->get_object()) {
    const auto value = value_of(entry.value());
    if (value) point.values.emplace(std::string(entry.key()), *value);
  }
  if (point.values.empty()) return std::nullopt;
  return point;
}

/// Hands the whole lines of `bytes` to `take` until it has enough, and says how many bytes those
/// were. A line that is too long to be one is skipped.
template <class Take>
std::size_t each_line(std::string_view bytes, Take take) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const std::size_t end = bytes.find('\n', done);
    if (end == bytes.npos) {
      if (bytes.size() - done > kLongestLine) done = bytes.size();
      break;
    }
    const bool goes_on = take(bytes.substr(done, end - done));
    done = end + 1;
    if (!goes_on) break;
  }
  return done;
}

struct MetricsQuestion {
  domain::JobId job;
  std::int32_t rank = 0;
  std::int32_t attempts = 0;
  Cursor cursor;
  std::size_t most = 0;
};

Result<MetricsQuestion> metrics_question(const Call& call, const Reading& reading) {
  auto job = find_job(call, reading);
  if (!job) return base::pass(job);
  auto rank = rank_of(call, **job);
  if (!rank) return base::pass(rank);
  auto cursor = cursor_of(call);
  if (!cursor) return base::pass(cursor);
  auto limit = number_or(call, "limit", {1, kMostPoints}, 1'000);
  if (!limit) return base::pass(limit);
  return MetricsQuestion{(*job)->id, *rank, (*job)->attempts_made, *cursor,
                         static_cast<std::size_t>(*limit)};
}

/// Adds the points of one piece to `points` and says how far it got.
std::size_t add_points(std::string_view bytes, const MetricsQuestion& question, Points& points) {
  return each_line(bytes, [&](std::string_view line) {
    if (auto point = point_in(line)) {
      point->attempt = question.cursor.attempt;
      point->rank = question.rank;
      points.points.push_back(*std::move(point));
    }
    return points.points.size() < question.most;
  });
}

Answer read_metrics(Service& service, MetricsQuestion question) {
  Points points;
  Cursor& cursor = question.cursor;
  while (points.points.size() < question.most) {
    const std::string name = kept_name(cursor.attempt, question.rank, kMetrics);
    auto bytes = service.files().read(question.job, name, cursor.offset, kPieceBytes);
    if (!bytes && bytes.error().code != base::ErrorCode::not_found) return base::pass(bytes);
    const std::size_t taken = bytes ? add_points(*bytes, question, points) : 0;
    cursor.offset += taken;
    if (taken > 0) continue;
    if (cursor.attempt >= question.attempts) break;
    ++cursor.attempt;
    cursor.offset = 0;
  }
  points.next = cursor.number();
  return ok(points);
}

void get_metrics(Service& service, const CallPtr& call) {
  service.enter(call, [&service, call](const Reading& reading) {
    auto question = metrics_question(*call, reading);
    if (!question) return finish(*call, base::pass(question));
    service.block(call,
                  [&service, question = *question] { return read_metrics(service, question); });
  });
}

Tail::Taken take_metrics(const Tail::Piece& piece) {
  Points points;
  const MetricsQuestion question{.rank = piece.place.rank,
                                 .cursor = {piece.place.attempt, piece.place.offset},
                                 .most = std::numeric_limits<std::size_t>::max()};
  const std::size_t taken = add_points(piece.bytes, question, points);
  if (points.points.empty()) return {taken, {}};
  points.next = Cursor{piece.place.attempt, piece.place.offset + taken}.number();
  return {taken, base::to_text(base::to_json(points))};
}

void stream_metrics(Service& service, const CallPtr& call) {
  service.enter(call, [&service, call](const Reading& reading) {
    auto question = metrics_question(*call, reading);
    if (!question) return finish(*call, base::pass(question));
    const Job& job = *ledger::jobs::find(reading.state.jobs, question->job);
    Tail::Place place{.job = job.id, .rank = question->rank, .ending = std::string(kMetrics)};
    place.attempt = question->cursor.attempt;
    place.offset = question->cursor.offset;
    accept(call, std::make_shared<Tail>(service, std::move(place), progress_of(job, question->rank),
                                        reading.position, take_metrics));
  });
}

/// At most kMostSamples of `all`, evenly picked, the last one always.
std::vector<Sample> thinned(std::vector<Sample> all) {
  if (all.size() <= kMostSamples) return all;
  std::vector<Sample> kept;
  for (std::size_t i = 1; i <= kMostSamples; ++i) {
    kept.push_back(std::move(all[i * all.size() / kMostSamples - 1]));
  }
  return kept;
}

Answer read_samples(Service& service, domain::JobId job, const std::string& name) {
  auto all = samples_of(service.files(), job, name, kMostSampleBytes);
  if (!all) return base::pass(all);
  return ok(Samples{thinned(*std::move(all))});
}

void get_samples(Service& service, const CallPtr& call) {
  service.enter(call, [&service, call](const Reading& reading) {
    auto job = find_job(*call, reading);
    if (!job) return finish(*call, base::pass(job));
    auto rank = rank_of(*call, **job);
    if (!rank) return finish(*call, base::pass(rank));
    auto attempt = number_or(*call, "attempt", {1, 1'000'000}, (*job)->attempts_made);
    if (!attempt) return finish(*call, base::pass(attempt));
    const std::string name = kept_name(static_cast<std::int32_t>(*attempt), *rank, kSamples);
    service.block(call,
                  [&service, id = (*job)->id, name] { return read_samples(service, id, name); });
  });
}

}  // namespace

base::Result<std::vector<Sample>> samples_of(ports::FileStore& files, domain::JobId job,
                                             const std::string& name, std::uint64_t most_bytes) {
  std::vector<Sample> all;
  auto size = files.size(job, name);
  if (!size) return base::pass(size);
  std::uint64_t offset = *size - std::min(*size, most_bytes);
  while (offset < *size) {
    auto bytes = files.read(job, name, offset, kPieceBytes);
    if (!bytes) return base::pass(bytes);
    const std::size_t taken = each_line(*bytes, [&](std::string_view line) {
      const auto parsed = base::parse_json(line);
      if (!parsed) return true;
      auto sample = base::from_json<Sample>(*parsed, base::Mode::lenient);
      if (sample && sample->t > 0) all.push_back(*std::move(sample));
      return true;
    });
    if (taken == 0) break;
    offset += taken;
  }
  return all;
}

std::vector<Route> series_routes() {
  return {
      {"GET", "/v1/jobs/{id}/metrics", Role::member, get_metrics, {"rank", "after", "limit"}},
      {"WS", "/v1/jobs/{id}/metrics/stream", Role::member, stream_metrics, {"rank", "after"}},
      {"GET", "/v1/jobs/{id}/samples", Role::member, get_samples, {"rank", "attempt"}},
  };
}

}  // namespace api
