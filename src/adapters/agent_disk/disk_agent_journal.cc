#include "adapters/agent_disk/disk_agent_journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "adapters/system/file.h"
#include "domain/json.h"

namespace ports {
BOOST_DESCRIBE_ENUM(RankPhase, starting, running, stopping, ended)
BOOST_DESCRIBE_STRUCT(RankKey, (), (job, attempt, rank))
BOOST_DESCRIBE_STRUCT(RankEnd, (), (exit_code, signal, cause, detail, at))
BOOST_DESCRIBE_STRUCT(RankRecord, (),
                      (key, phase, started, end, grace, stop_reason, workdir, outputs, gpu_uuids))
BOOST_DESCRIBE_STRUCT(PastRank, (), (key, end))
}  // namespace ports

namespace adapters::agent_disk {
namespace {

using base::ErrorCode;
using base::Result;

/// One line of the file: exactly one member is there.
struct Line {
  std::optional<ports::RankRecord> rank;
  std::optional<ports::PastRank> past;
  std::optional<domain::Time> lease;
};
BOOST_DESCRIBE_STRUCT(Line, (), (rank, past, lease))

constexpr std::uint64_t kWorthRewriting = 1 << 20;

std::string encode(const Line& line) { return base::to_text(base::to_json(line)) + "\n"; }

std::unexpected<base::Error> failure(const std::string& path) {
  const auto code =
      errno == ENOSPC || errno == EDQUOT ? ErrorCode::resource_exhausted : ErrorCode::unavailable;
  return base::fail(code, "{}: {}", path, std::strerror(errno));
}

/// Writes all of `bytes` at the end of the file.
bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<DiskAgentJournal>> DiskAgentJournal::open(const std::string& path) {
  const std::string lock_path = path + ".lock";
  const int lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return failure(lock_path);
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock);
    return base::fail(ErrorCode::conflict, "{}: another agent runs in this folder", path);
  }
  std::unique_ptr<DiskAgentJournal> journal(new DiskAgentJournal(path, lock));
  if (auto loaded = journal->load(); !loaded) return base::pass(loaded);
  return journal;
}

DiskAgentJournal::~DiskAgentJournal() {
  if (file_ >= 0) ::close(file_);
  ::close(lock_);
}

Result<> DiskAgentJournal::load() {
  auto text = system::read_file(path_);
  if (!text && text.error().code != ErrorCode::not_found) return base::pass(text);
  std::string_view left = text ? std::string_view(*text) : std::string_view();
  while (true) {
    const std::size_t end = left.find('\n');
    if (end == left.npos) break;  // A last line without its end was never answered for.
    if (auto taken = take(std::string(left.substr(0, end))); !taken) return taken;
    left.remove_prefix(end + 1);
  }
  return rewrite();
}

Result<> DiskAgentJournal::take(const std::string& text) {
  const auto json = base::parse_json(text);
  if (!json) {
    return base::fail(ErrorCode::data_loss, "{}: unreadable: {}", path_, json.error().message);
  }
  auto line = base::from_json<Line>(*json, base::Mode::lenient);
  if (!line) {
    return base::fail(ErrorCode::data_loss, "{}: unreadable: {}", path_, line.error().message);
  }
  if (line->rank) ranks_[line->rank->key] = *line->rank;
  if (line->past) {
    ranks_.erase(line->past->key);
    past_.push_back(*line->past);
  }
  if (line->lease) lease_end_ = *line->lease;
  return {};
}

std::string DiskAgentJournal::whole() const {
  std::string text;
  if (lease_end_.ms != 0) text += encode({.lease = lease_end_});
  for (std::size_t at = first_past_; at < past_.size(); ++at) text += encode({.past = past_[at]});
  for (const auto& [key, record] : ranks_) text += encode({.rank = record});
  return text;
}

Result<> DiskAgentJournal::rewrite() {
  if (past_.size() - first_past_ > ports::kPastRanks) {
    first_past_ = past_.size() - ports::kPastRanks;
  }
  const std::string text = whole();
  const std::string fresh = path_ + ".new";
  const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0) return failure(fresh);
  if (!write_all(file, text) || std::rename(fresh.c_str(), path_.c_str()) != 0) {
    auto error = failure(fresh);
    ::close(file);
    return error;
  }
  if (file_ >= 0) ::close(file_);
  file_ = file;
  size_bytes_ = live_bytes_ = text.size();
  past_.erase(past_.begin(), past_.begin() + static_cast<std::ptrdiff_t>(first_past_));
  first_past_ = 0;
  return {};
}

Result<> DiskAgentJournal::append(const std::string& line) {
  if (!write_all(file_, line)) {
    auto error = failure(path_);
    // Half a line in the middle would make the file unreadable.
    if (::ftruncate(file_, static_cast<off_t>(size_bytes_)) != 0) return failure(path_);
    return error;
  }
  size_bytes_ += line.size();
  return {};
}

Result<ports::AgentJournal::Contents> DiskAgentJournal::read() {
  Contents contents{.ranks = {},
                    .past = {past_.begin() + static_cast<std::ptrdiff_t>(first_past_), past_.end()},
                    .lease_end = lease_end_};
  for (const auto& [key, record] : ranks_) contents.ranks.push_back(record);
  return contents;
}

Result<> DiskAgentJournal::put(const ports::RankRecord& record) {
  if (auto done = append(encode({.rank = record})); !done) return done;
  ranks_[record.key] = record;
  const bool is_worth = size_bytes_ > live_bytes_ * 2 + kWorthRewriting;
  if (!is_worth) return {};
  // Failing to tidy up loses nothing: the old file is whole and still open.
  if (auto tidied = rewrite(); !tidied) live_bytes_ = size_bytes_;
  return {};
}

Result<> DiskAgentJournal::put_past(const ports::PastRank& past) {
  if (auto done = append(encode({.past = past})); !done) return done;
  ranks_.erase(past.key);
  past_.push_back(past);
  if (past_.size() - first_past_ > ports::kPastRanks) ++first_past_;
  return {};
}

Result<> DiskAgentJournal::put_lease(domain::Time end) {
  if (auto done = append(encode({.lease = end})); !done) return done;
  lease_end_ = end;
  return {};
}

}  // namespace adapters::agent_disk
