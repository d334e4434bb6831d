#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace replay {

/// A job as a trace has it; seconds since whatever the trace counts from.
struct TraceJob {
  std::int64_t submit_s = 0;
  std::int64_t duration_s = 0;
  std::int32_t gpus = 0;
  std::string group;  ///< Virtual cluster, team or user; empty where the trace has none.
  std::optional<std::int64_t> deadline_s;
  std::optional<double> value;  ///< In credits: GPU-hours at rate 1.
  friend bool operator==(const TraceJob&, const TraceJob&) = default;
};

struct Trace {
  std::vector<TraceJob> jobs;  ///< By submission; those of one second as they stood.
  std::int64_t skipped = 0;    ///< Entries without GPUs or without a known duration.
};

enum class Format {
  jobs,       ///< CSV: submit_s, duration_s, gpus and, where known, group, deadline_s, value.
  itp,        ///< CSV of Microsoft ITP: submission_time, duration, num_gpu.
  deadlines,  ///< CSV of ElasticFlow: itp's columns (or submit_time) and deadline (or ddl).
  philly,     ///< CSV of Microsoft Philly: submit_s, duration_s, gpus, vc.
  swf,        ///< The Standard Workload Format of the Parallel Workloads Archive, version 2.
  ledger,     ///< Berth's own facts, one JSON text a line: a log, or what `berth events` shows.
};

/// The format of that name, or an error that names them all.
base::Result<Format> format_of(std::string_view name);

/// Reads a whole trace. Columns are found by the names in the first line, in any order; others are
/// left aside. An error names the line and the column, field or member. O(text).
base::Result<Trace> parse(Format format, std::string_view text);

// One for each way that a trace is written; use parse().
base::Result<Trace> parse_csv(Format format, std::string_view text);
base::Result<Trace> parse_swf(std::string_view text);
base::Result<Trace> parse_ledger(std::string_view text);

/// The cells of a line of CSV; quotes mean nothing.
std::vector<std::string_view> cells_of(std::string_view line);
/// Takes the next line off `text`, without its end.
std::string_view take_line(std::string_view& text);
/// Reads a number of seconds or of GPUs, at most a million million; decimals are cut off.
std::optional<std::int64_t> whole_number(std::string_view text);

}  // namespace replay
