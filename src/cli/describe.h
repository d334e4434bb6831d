#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/answers.h"
#include "cli/context.h"
#include "domain/bid.h"
#include "domain/width.h"

namespace cli {

/// What a job's state is called in the user's language.
std::string state_text(const Context& context, std::string_view state);
/// The same of why a rank ended.
std::string cause_text(const Context& context, std::string_view cause);
/// How a job is, in a sentence without its full stop: "job 7 was cancelled".
std::string state_note(const Context& context, std::int64_t job, std::string_view state);
bool is_final_state(std::string_view state);

/// "pool a100: starts today 14:30, done by Thu 09:00, at most 3.20 credits".
std::string offer_text(const Context& context, const Offer& offer);

/// Why a bid was refused, to stand after a colon; the code itself if nothing is known of it.
std::string reason_text(const Context& context, std::string_view code);

/// Shows why a bid was refused: the reason, who is in the way and until when, each change that
/// would be accepted as a command to paste, and the cheaper window; or, where there is nothing of
/// that, the controller's sentence (`text`). What was `asked` for is not
/// said again; where that is not known, all of it is.
void show_refusal(Context& context, const Refusal& refusal, std::string_view text,
                  const std::optional<domain::Shape>& asked);
/// What of it helps: the changes, and the cheaper window.
void show_help(Context& context, const Refusal& refusal, const std::optional<domain::Shape>& asked);

/// An option of a bid and its value.
using Said = std::pair<std::string_view, std::string>;

/// The call that was typed, with these options in place of its own: ready to paste. Leaves out what
/// must not be repeated (token, quote id).
std::string command_with(const Context& context, const std::vector<Said>& said);

/// Each node once, with the number of ranks that it gets: "gpu1 x2, gpu2".
std::string nodes_text(const std::vector<std::string>& nodes);
/// Whether a job whose first piece has `nodes` has other ranks in a later one.
bool changes_width(const std::vector<std::string>& nodes, const std::vector<Piece>& later);
/// A line for each piece after the first; with its ranks, where they change.
std::vector<std::string> piece_lines(const Context& context, const std::vector<Piece>& later,
                                     bool with_ranks);
/// The ranks that an elastic job may have and its speed on them: "1 (1), 2 (1.9), 4 (3.5)".
std::string widths_text(const domain::Widths& widths);

/// `word` quoted for a shell where that is needed.
std::string shell_word(std::string_view word);

/// A line for each of several bids of which one was taken: what it costs, or why not.
void show_choice(Context& context, const Choice& choice);

void show_jobs(Context& context, const std::vector<Job>& jobs);

}  // namespace cli
