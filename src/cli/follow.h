#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "cli/answers.h"
#include "cli/context.h"
#include "cli/server.h"

namespace cli {

enum class OnInterrupt {
  cancel,  ///< The first Ctrl-C asks to cancel the job, the second leaves it running.
  leave,   ///< The first Ctrl-C leaves.
};

struct FollowOptions {
  std::int32_t rank = 0;
  std::int32_t attempt = 0;  ///< To begin with; 0: the newest.
  bool all_ranks = false;    ///< Every rank's log, each line with its rank in front.
  bool states = true;        ///< Say on standard error what it waits for, and further attempts.
  OnInterrupt on_interrupt = OnInterrupt::cancel;
};

/// Shows a job's log while it is written, until the job has ended and everything is shown, through
/// lost connections and later attempts. Nothing is shown twice and nothing is left out: it goes on
/// from the byte where it was.
class Follower {
 public:
  Follower(Context& context, Server& server, FollowOptions options);

  /// Follows `job` to its end and returns it as it ended; or as it was when the user left, which
  /// `left` then says. Gives up after the controller was unreachable for ten minutes.
  base::Result<Job> to_end(Job job);
  bool left() const { return left_; }

  /// Shows what there is now of the log of one attempt, and returns.
  base::Result<> show_once(const Job& job);

 private:
  /// Where a rank's log goes on.
  struct Cursor {
    std::int32_t attempt = 0;  ///< 0: the newest.
    std::int64_t offset = 0;
    bool complete = false;   ///< Nothing more will come of this attempt.
    std::string begun = {};  ///< Of a line that has not ended, when lines get a prefix.
  };
  Query query_of(std::int32_t rank);
  base::Result<> stream_once();
  bool on_text(std::string_view text);
  base::Result<bool> poll_once();
  base::Result<bool> poll_rank(std::int32_t rank);
  bool is_all_shown() const;
  void drain();
  void take(const LogPiece& piece, Cursor& cursor);
  void show(std::int32_t rank, std::string_view text, Cursor& cursor);
  void finish_lines();
  base::Result<> refresh();
  void heed_interrupts();
  void say_state();
  std::int32_t ranks() const;
  void write(std::string_view text);

  Context& context_;
  Server& server_;
  FollowOptions options_;
  Job job_;
  std::map<std::int32_t, Cursor> cursors_;
  std::string said_;  ///< The state that was told last; empty: nothing yet.
  domain::Time begun_;
  std::string broken_line_;
  domain::Time refreshed_;
  domain::Time final_since_;  ///< 0: the job has not ended yet.
  int heeded_ = 0;
  bool left_ = false;
  bool polls_ = false;
  bool stays_in_attempt_ = false;
};

/// How a followed job's command ended: its exit status, 128 and the signal, 130 for cancelled, 1
/// for every other end that is no success.
int status_of(const Job& job);

/// How a job ended, in a sentence.
std::string ending_text(const Context& context, const Job& job);

}  // namespace cli
