#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/views.h"

namespace api {

/// The ending of the file that holds what a rank says.
inline constexpr std::string_view kLogEnding = "log";

/// "attempt-2/rank-0.log": what a rank's file is called where it is kept.
std::string kept_name(std::int32_t attempt, std::int32_t rank, std::string_view ending);

/// How far one rank of a job is, by attempts.
struct RankProgress {
  std::int32_t attempts = 0;  ///< Made so far.
  std::int32_t over = 0;      ///< The newest attempt in which the rank has ended.
  domain::Time over_at;
  bool job_ended = false;
};
RankProgress progress_of(const ledger::jobs::Job& job, std::int32_t rank);

/// How long the log of the newest attempt's rank is in all, if it has ended and its agent has said.
std::optional<std::uint64_t> whole_log_bytes(const Reading& reading, const ledger::jobs::Job& job,
                                             std::int32_t rank);

/// The rank that a request names, 0 if it names none; 400 if the job has no such rank.
base::Result<std::int32_t> rank_of(const Call& call, const ledger::jobs::Job& job);

/// Sends what a rank appends to one of its files, attempt after attempt, as messages of a stream,
/// and closes the stream when the job has ended and everything is sent. Reads files by
/// `run_blocking`, one piece at a time, no faster than 12 MB/s, so that a long file does not fill
/// the queue of a reader that keeps up.
class Tail : public std::enable_shared_from_this<Tail> {
 public:
  struct Place {
    domain::JobId job;
    std::int32_t rank = 0;
    std::string ending;
    std::int32_t attempt = 1;
    std::uint64_t offset = 0;
  };
  struct Piece {
    const Place& place;
    std::string_view bytes;
    bool is_last = false;  ///< Nothing more will come of this attempt.
  };
  /// What of a piece was taken, and the message for it; an empty one is not sent.
  struct Taken {
    std::size_t bytes = 0;
    std::string message;
  };
  using Take = std::function<Taken(const Piece&)>;

  /// `position` is that of the state that `progress` was taken from.
  Tail(Service& service, Place place, RankProgress progress, std::uint64_t position, Take take);

  /// Begins. The stream keeps this object alive until it ends.
  void open(std::shared_ptr<ports::TextStream> stream);

 private:
  void wake();
  void run();
  void pump();
  bool send_piece(bool is_last);
  void note(const ledger::Event& event);
  void note_over(std::int32_t attempt);
  void learn_size();
  bool is_whole();
  void settle(std::int32_t attempt);
  void give_up(std::int32_t attempt);

  Service& service_;
  const std::uint64_t position_;
  const Take take_;
  std::shared_ptr<ports::TextStream> stream_;

  Place place_;                 ///< Of whoever runs.
  std::size_t sent_ = 0;        ///< Since the last pause. Of whoever runs.
  std::int32_t waits_for_ = 0;  ///< The attempt whose end is given time. Of whoever runs.

  std::atomic<int> wakes_ = 0;  ///< More than 0: somebody runs.
  std::atomic<std::int32_t> attempts_ = 0;
  std::atomic<std::int32_t> over_ = 0;
  std::atomic<std::int32_t> settled_ = 0;       ///< Attempts up to this one get nothing more.
  std::atomic<std::int64_t> whole_bytes_ = -1;  ///< Of an ended job's last log; -1: not known.
  std::atomic<bool> job_ended_ = false;
  std::atomic<bool> closed_ = false;
};

/// Lets a caller in who asks for a stream: the stream is given to `tail` when it is open.
void accept(const CallPtr& call, std::shared_ptr<Tail> tail);

}  // namespace api
