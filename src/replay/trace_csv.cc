#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "replay/trace.h"

namespace replay {
namespace {

/// The columns that a job is read from, by their names in a format; empty: it has none.
struct Columns {
  std::vector<std::string_view> submit;  ///< Any of them.
  std::string_view duration;
  std::string_view gpus;
  std::string_view group;
  std::vector<std::string_view> deadline;
  bool needs_deadline = false;
  std::string_view value;
};

Columns columns_of(Format format) {
  if (format == Format::itp) return {{"submission_time"}, "duration", "num_gpu", "", {}, false, ""};
  if (format == Format::deadlines) {
    return {{"submission_time", "submit_time"},
            "duration",
            "num_gpu",
            "",
            {"deadline", "ddl"},
            true,
            ""};
  }
  if (format == Format::philly) return {{"submit_s"}, "duration_s", "gpus", "vc", {}, false, ""};
  return {{"submit_s"}, "duration_s", "gpus", "group", {"deadline_s"}, false, "value"};
}

constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

/// Where each column stands; kNone where it is missing.
struct Places {
  std::size_t submit = kNone;
  std::size_t duration = kNone;
  std::size_t gpus = kNone;
  std::size_t group = kNone;
  std::size_t deadline = kNone;
  std::size_t value = kNone;
};

std::size_t place_of(const std::vector<std::string_view>& header, std::string_view name) {
  const auto found = std::find(header.begin(), header.end(), name);
  if (name.empty() || found == header.end()) return kNone;
  return static_cast<std::size_t>(found - header.begin());
}

std::size_t place_of(const std::vector<std::string_view>& header,
                     const std::vector<std::string_view>& names) {
  std::size_t place = kNone;
  for (const std::string_view name : names) place = std::min(place, place_of(header, name));
  return place;
}

base::Result<Places> places_in(std::string_view line, const Columns& columns) {
  const auto header = cells_of(line);
  const Places places{place_of(header, columns.submit),   place_of(header, columns.duration),
                      place_of(header, columns.gpus),     place_of(header, columns.group),
                      place_of(header, columns.deadline), place_of(header, columns.value)};
  std::string_view missing;
  if (columns.needs_deadline && places.deadline == kNone) missing = columns.deadline.front();
  if (places.gpus == kNone) missing = columns.gpus;
  if (places.duration == kNone) missing = columns.duration;
  if (places.submit == kNone) missing = columns.submit.front();
  if (missing.empty()) return places;
  return base::invalid("trace", "line 1: there is no column \"{}\"", missing);
}

/// The cells of one line, which knows what is wrong with them.
class Row {
 public:
  Row(std::string_view line, std::int64_t number) : cells_(cells_of(line)), number_(number) {}

  base::Result<std::int64_t> number(std::size_t place, std::string_view name) const {
    auto cell = text(place, name);
    if (!cell) return base::pass(cell);
    const auto value = whole_number(*cell);
    if (value) return *value;
    return base::invalid(name, "line {}: {}: \"{}\" is not a number", number_, name,
                         cell->substr(0, 40));
  }
  base::Result<double> amount(std::size_t place, std::string_view name) const {
    auto cell = text(place, name);
    if (!cell) return base::pass(cell);
    double value = 0;
    const auto [end, error] = std::from_chars(cell->data(), cell->data() + cell->size(), value);
    const bool is_read = error == std::errc{} && end == cell->data() + cell->size();
    if (is_read && std::isfinite(value) && value >= 0) return value;
    return base::invalid(name, "line {}: {}: \"{}\" is not an amount", number_, name,
                         cell->substr(0, 40));
  }
  base::Result<std::string_view> text(std::size_t place, std::string_view name) const {
    if (place < cells_.size()) return cells_[place];
    return base::invalid(name, "line {}: {}: the line ends before it", number_, name);
  }
  bool is_given(std::size_t place) const { return place < cells_.size() && !cells_[place].empty(); }
  base::Result<> in_range(std::int64_t value, std::int64_t least, std::string_view name) const {
    if (value >= least && value <= std::numeric_limits<std::int32_t>::max()) return {};
    return base::invalid(name, "line {}: {}: {} is out of range", number_, name, value);
  }

 private:
  std::vector<std::string_view> cells_;
  std::int64_t number_;
};

base::Result<> read_wishes(const Row& row, const Places& places, TraceJob& job) {
  if (places.group != kNone) {
    auto group = row.text(places.group, "group");
    if (!group) return base::pass(group);
    job.group = *group;
  }
  if (row.is_given(places.deadline)) {
    auto deadline = row.number(places.deadline, "deadline");
    if (!deadline) return base::pass(deadline);
    job.deadline_s = *deadline;
  }
  if (row.is_given(places.value)) {
    auto value = row.amount(places.value, "value");
    if (!value) return base::pass(value);
    job.value = *value;
  }
  return {};
}

base::Result<TraceJob> read_job(const Row& row, const Places& places, const Columns& columns) {
  auto submit = row.number(places.submit, columns.submit.front());
  if (!submit) return base::pass(submit);
  auto duration = row.number(places.duration, columns.duration);
  if (!duration) return base::pass(duration);
  auto gpus = row.number(places.gpus, columns.gpus);
  if (!gpus) return base::pass(gpus);
  if (auto fine = row.in_range(*duration, 0, columns.duration); !fine) return base::pass(fine);
  if (auto fine = row.in_range(*gpus, 0, columns.gpus); !fine) return base::pass(fine);
  TraceJob job{*submit, *duration, static_cast<std::int32_t>(*gpus), {}, {}, {}};
  if (auto done = read_wishes(row, places, job); !done) return base::pass(done);
  return job;
}

}  // namespace

base::Result<Trace> parse_csv(Format format, std::string_view text) {
  const Columns columns = columns_of(format);
  auto places = places_in(take_line(text), columns);
  if (!places) return base::pass(places);
  Trace trace;
  for (std::int64_t number = 2; !text.empty(); ++number) {
    const std::string_view line = take_line(text);
    if (line.empty()) continue;
    auto job = read_job(Row(line, number), *places, columns);
    if (!job) return base::pass(job);
    if (job->gpus > 0) {
      trace.jobs.push_back(*std::move(job));
    } else {
      ++trace.skipped;
    }
  }
  return trace;
}

}  // namespace replay
